/** The real browser of the tests. */
import { type Browser, chromium as playwright } from 'playwright-core'
import { chromiumPath } from './present.ts'

/** Launches the installed Chromium, headless (2-3 s). Nothing it does on its own leaves the machine. */
export async function chromium(): Promise<Browser> {
  const executablePath = chromiumPath()
  if (!executablePath) throw new Error('Chromium is not installed: apt-get install chromium')
  return playwright.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--disable-dev-shm-usage',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  })
}
