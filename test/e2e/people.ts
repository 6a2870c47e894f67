import type { Page } from 'playwright-core'
import sharp from 'sharp'
import type { LiveDesk } from './desk.ts'

export const password = 'four plain words do well'

export interface Founding {
  name: string
  slug: string
  ownerName: string
  email: string
}

/** Opens the workspace by the set-up page; `page` is signed in as its owner then. */
export async function setUp(desk: LiveDesk, page: Page, founding: Founding): Promise<void> {
  await page.goto(`${desk.address}/setup`)
  await page.fill('[name=code]', desk.running.services.setupCode)
  for (const [name, value] of Object.entries(founding)) await page.fill(`[name=${name}]`, value)
  await page.selectOption('[name=zone]', 'Europe/Berlin')
  await page.fill('[name=password]', password)
  await page.getByRole('button', { name: 'Open the desk' }).click()
  await page.waitForURL(`**/w/${founding.slug}`)
}

export async function signIn(page: Page, email: string): Promise<void> {
  await page.fill('[name=email]', email)
  await page.fill('[name=password]', password)
  await page.locator('main form button').first().click()
  await page.waitForURL(/\/w\//)
}

/** Sends the form that holds `selector` as it is, past what the browser itself would refuse. */
export async function send(page: Page, selector: string): Promise<void> {
  const field = page.locator(selector).first()
  await field.evaluate(element => {
    const form = element.closest('form')
    if (form) form.noValidate = true
  })
  await Promise.all([
    page.waitForEvent('load'),
    field.evaluate(element => element.closest('form')?.requestSubmit()),
  ])
}

/** Presses a button that leads to a page, and waits for that page. */
export async function press(page: Page, name: string | RegExp, within = 'main'): Promise<void> {
  const button = page.locator(within).first().getByRole('button', { name }).first()
  await Promise.all([page.waitForEvent('load'), button.click()])
}

export const picture = async (name = 'roast.jpg') => ({
  name,
  mimeType: 'image/jpeg',
  buffer: await sharp({ create: { width: 300, height: 200, channels: 3, background: '#a34b2c' } })
    .jpeg()
    .toBuffer(),
})

/** Picks every account that the composer offers, or the one of that name, by its label as a person does. */
export async function pick(page: Page, name?: RegExp): Promise<void> {
  const labels = page.locator('label.acct:not(:has(:checked), :has(:disabled))')
  const wanted = name ? labels.filter({ has: page.locator('span', { hasText: name }) }) : labels
  while ((await wanted.count()) > 0) await wanted.first().click()
}
