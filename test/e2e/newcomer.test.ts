import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { describePeer } from '../peers/index.ts'
import { type LiveDesk, openLiveDesk } from './desk.ts'

const password = 'four plain words do well'

describePeer('chromium', 'a newcomer, from set-up to the published post', () => {
  let desk: LiveDesk
  let page: Page
  beforeAll(async () => {
    desk = await openLiveDesk()
    page = await desk.person()
  }, 60_000)
  afterAll(() => desk?.close())
  const at = (path: string) => `${desk.address}${path}`

  test('sets the workspace up with the code from the terminal, once', async () => {
    await page.goto(at('/'))
    expect(new URL(page.url()).pathname).toBe('/setup')
    await page.fill('[name=code]', '00000000')
    await page.fill('[name=name]', 'Northwind Coffee')
    await page.fill('[name=slug]', 'northwind')
    await page.selectOption('[name=zone]', 'Europe/Berlin')
    await page.fill('[name=ownerName]', 'Alice')
    await page.fill('[name=email]', 'alice@northwind.example')
    await page.fill('[name=password]', password)
    await page.getByRole('button', { name: 'Open the desk' }).click()
    await page.getByText(/code/i).first().waitFor()
    expect(await page.inputValue('[name=ownerName]')).toBe('Alice')
    await page.fill('[name=code]', desk.running.services.setupCode)
    await page.fill('[name=password]', password)
    await page.getByRole('button', { name: 'Open the desk' }).click()
    await page.waitForURL('**/w/northwind')
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toContain('Northwind Coffee')
    expect((await fetch(at('/setup'))).status).toBe(404)
  }, 30_000)

  test('connects a rehearsal account', async () => {
    await page.goto(at('/w/northwind/accounts'))
    await page.locator('a[href$="/accounts/connect/rehearsal"]').first().click()
    await page.waitForURL('**/connect/rehearsal')
    await page.locator('main form').last().getByRole('button').last().click()
    await page.waitForURL(/accounts(?!\/connect)/)
    await page.getByText('Rehearsal').first().waitFor()
  }, 30_000)

  test('writes a post with a picture and its alt text, and schedules it in local time', async () => {
    const picture = await sharp({ create: { width: 900, height: 600, channels: 3, background: '#a34b2c' } })
      .jpeg()
      .toBuffer()
    await page.goto(at('/w/northwind/content/new'))
    await page.fill(
      'textarea[name=text]',
      'The autumn roast is back. https://northwind.example/autumn #coffee',
    )
    await page.setInputFiles('input[name=_pictures]', {
      name: 'roast.jpg',
      mimeType: 'image/jpeg',
      buffer: picture,
    })
    // With scripts the picture uploads as it is chosen or by its button; either way it ends up on the sheet.
    if (
      !(await page
        .locator('[name^="alt."]')
        .first()
        .waitFor({ timeout: 15_000 })
        .then(
          () => true,
          () => false,
        ))
    )
      await page.getByRole('button', { name: 'Upload' }).click()
    await page.locator('[name^="alt."]').first().fill('Roasted beans in a copper pan')
    for (const box of await page.locator('input[name=accounts]').all()) await box.check({ force: true })
    const local = new Date(Date.now() + 3600_000)
      .toLocaleString('sv-SE', { timeZone: 'Europe/Berlin' })
      .slice(0, 16)
      .replace(' ', 'T')
    await page.fill('[name=local]', local)
    await page.getByRole('button', { name: 'Schedule' }).click()
    await page.waitForLoadState('networkidle')
    const { db } = desk.running.services
    const [tenant] = await db.sql`select id from public.tenants`
    const inside = { tenantId: tenant?.id as string, userId: null, role: 'system' } as const
    const jobs = await db.within(inside, scope => scope.sql`select state, local, zone from publish_jobs`)
    expect(jobs.map(job => [job.state, job.local, job.zone])).toEqual([
      ['scheduled', local, 'Europe/Berlin'],
      ['scheduled', local, 'Europe/Berlin'],
    ])
  }, 60_000)

  test('sees it in the calendar, watches it go out, and reads it on the public feed', async () => {
    await page.goto(at('/w/northwind/calendar'))
    const chip = page.locator('a[href*="/publish-jobs/"]').first()
    await chip.waitFor()
    await page.goto(at((await chip.getAttribute('href')) ?? ''))
    expect(await page.textContent('main')).toContain('Berlin')
    await desk.shiftClock(3600_000)
    // The page asks every second and says by itself that it went out.
    await page.getByText('Published', { exact: false }).first().waitFor({ timeout: 20_000 })
    await page.goto(at('/feed/northwind'))
    expect(await page.textContent('body')).toContain('The autumn roast is back')
    expect(await page.getAttribute('img[src*="/feed/northwind/media/"]', 'alt')).toBe(
      'Roasted beans in a copper pan',
    )
    const rss = await (await fetch(at('/feed/northwind/rss.xml'))).text()
    expect(rss).toContain('The autumn roast is back')
    await desk.shiftClock(0)
  }, 60_000)

  test('signs out and in again', async () => {
    await page.goto(at('/w/northwind'))
    await page.locator('form[action$="/sign-out"] button:visible').first().click()
    await page.waitForLoadState('networkidle')
    await page.goto(at('/w/northwind/calendar'))
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    await page.fill('[name=email]', 'alice@northwind.example')
    await page.fill('[name=password]', password)
    await page.locator('main form button').first().click()
    await page.waitForURL('**/w/northwind/calendar')
  }, 30_000)

  test('nothing complained: no script error, no content policy report, no 500', () => {
    expect(desk.complaints).toEqual([])
  })
})
