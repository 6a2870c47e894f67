import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { readConfig } from '../../src/config.ts'
import { stopEmbedded } from '../../src/db/embedded.ts'
import { createLog } from '../../src/lib/log.ts'
import { type Running, start } from '../../src/start.ts'
import { chromium, freePort } from '../peers/index.ts'

/** The real thing: the whole process on a fresh data folder, and a browser that counts every complaint. */
export interface LiveDesk {
  running: Running
  address: string
  /** What the browser complained about: errors of scripts, reports of the content policy, dialogs, requests elsewhere, answers of 500 and above. */
  complaints: string[]
  /** A person's own browser, with nobody's cookies. */
  person(options?: { width?: number; dark?: boolean; scripts?: boolean; zone?: string }): Promise<Page>
  shiftClock(ms: number): Promise<void>
  close(): Promise<void>
}

export async function openLiveDesk(environment: Record<string, string> = {}): Promise<LiveDesk> {
  const dataDir = mkdtempSync(join(tmpdir(), 'masthead-live-'))
  // Open to the database's own user, else the cluster is kept elsewhere and would outlive this folder.
  chmodSync(dataDir, 0o755)
  const port = String(await freePort())
  const running = await start(
    readConfig({ DATA_DIR: dataDir, PORT: port, LOG_LEVEL: process.env.E2E_LOG ?? 'silent', ...environment }),
  )
  const browser: Browser = await chromium()
  const contexts: BrowserContext[] = []
  const complaints: string[] = []
  return {
    running,
    address: running.address,
    complaints,
    async person({ width = 1280, dark = false, scripts = true, zone = 'Europe/Berlin' } = {}) {
      const context = await browser.newContext({
        viewport: { width, height: width < 600 ? 844 : 900 },
        colorScheme: dark ? 'dark' : 'light',
        javaScriptEnabled: scripts,
        timezoneId: zone,
        locale: 'en-GB',
      })
      contexts.push(context)
      const page = await context.newPage()
      page.setDefaultTimeout(10_000)
      page.on('dialog', dialog => {
        if (dialog.type() !== 'beforeunload')
          complaints.push(`${page.url()}: a ${dialog.type()} says "${dialog.message()}"`)
        // The page may have gone meanwhile; then nobody waits for an answer.
        dialog.accept().catch(() => {})
      })
      page.on('request', request => {
        if (/^(https?|wss?):/.test(request.url()) && !request.url().startsWith(`${running.address}/`))
          complaints.push(`${page.url()}: asks ${request.url()}`)
      })
      page.on('pageerror', error => {
        // Chromium reports each page change whose fade it leaves out as an error of the page.
        if (!/^Transition was (aborted|skipped)/.test(error.message))
          complaints.push(`${page.url()}: ${error.message}`)
      })
      page.on('console', message => {
        if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
          complaints.push(`${page.url()}: ${message.text()}`)
      })
      page.on('response', response => {
        if (response.status() >= 500) complaints.push(`${response.status()} ${response.url()}`)
      })
      return page
    },
    async shiftClock(ms) {
      await running.services.db.owner.unsafe(
        `create or replace function public.clock() returns timestamptz language sql stable parallel safe as 'select now() + interval ''${ms} milliseconds'''`,
      )
    },
    async close() {
      for (const context of contexts) await context.close()
      await browser.close()
      await running.stop()
      await stopEmbedded(dataDir, createLog({ level: 'silent', json: false }))
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
