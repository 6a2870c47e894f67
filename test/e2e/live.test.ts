import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { describePeer } from '../peers/index.ts'
import { type LiveDesk, openLiveDesk } from './desk.ts'
import { setUp } from './people.ts'

describePeer('chromium', 'open pages look again by themselves', () => {
  let desk: LiveDesk
  let alice: Page
  let key: string
  let feed: string
  const at = (path = '') => `${desk.address}/w/live${path}`
  const api = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${desk.address}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    // biome-ignore lint/suspicious/noExplicitAny: a test reads any answer's fields
    return (await answer.json()) as any
  }
  const write = async (text: string): Promise<string> => (await api('POST', '/content', { text })).id
  const plan = async (content: string, at: object): Promise<string> =>
    (await api('POST', `/content/${content}/publish-jobs`, { accounts: [feed], ...at })).items[0].id
  const inMinutes = (minutes: number) => ({ at: new Date(Date.now() + minutes * 60_000).toISOString() })
  /** How often the document of this tab was loaded: it must not be loaded again. */
  const mark = (page: Page) => page.locator('body').evaluate(body => body.setAttribute('data-marked', 'yes'))
  const marked = (page: Page) => page.locator('body[data-marked]').isVisible()
  const connected = (page: Page) =>
    page.waitForResponse(response => response.url().includes('/live?since='), { timeout: 10_000 })
  const visit = async (page: Page, path: string) => {
    await Promise.all([connected(page), page.goto(at(path))])
    await mark(page)
  }

  beforeAll(async () => {
    desk = await openLiveDesk()
    alice = await desk.person()
    await setUp(desk, alice, { name: 'Live', slug: 'live', ownerName: 'Alice', email: 'a@live.example' })
    const signed = await fetch(`${desk.address}/api/v1/sessions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        workspace: 'live',
        email: 'a@live.example',
        password: 'four plain words do well',
      }),
    })
    key = ((await signed.json()) as { token: string }).token
    const { items } = await api('GET', '/accounts')
    feed = items.find((one: { platform: string }) => one.platform === 'feed').id
  }, 60_000)
  afterAll(() => desk?.close())

  test('a post that the worker publishes appears on an open calendar, job page and Today', async () => {
    const content = await write('The autumn roast is back')
    const job = await plan(content, inMinutes(300))
    const [today, jobPage] = [await alice.context().newPage(), await alice.context().newPage()]
    await visit(alice, '/calendar')
    await visit(jobPage, `/publish-jobs/${job}`)
    await visit(today, '')
    await alice.locator('.chip-scheduled, .chip').filter({ hasText: 'autumn roast' }).waitFor()
    // Pages in the background of a browser pause; these are each looked at.
    for (const page of [alice, jobPage, today]) await page.bringToFront()
    await api('PATCH', `/publish-jobs/${job}`, { now: true })
    await today.getByText('1 went out this week').waitFor()
    await jobPage.bringToFront()
    await jobPage.getByText('Went out').first().waitFor()
    await alice.bringToFront()
    await alice.locator('[class*="published"]').first().waitFor()
    for (const page of [alice, jobPage, today]) expect(await marked(page)).toBe(true)
    await jobPage.close()
    await today.close()
  }, 60_000)

  test('what was unfolded, focused and typed stays as it is', async () => {
    for (let n = 1; n <= 14; n++) await write(`number ${n}`)
    await api('PATCH', `/content/${await write('tagged one')}`, { tags: ['coffee'] })
    await visit(alice, '/content')
    await alice.fill('.narrow [name=q]', 'half a wo')
    await alice.locator('html').evaluate(root => root.scrollTo(0, 120))
    const scrolled = () => alice.locator('html').evaluate(root => root.scrollTop)
    const before = await scrolled()
    expect(before).toBeGreaterThan(50)
    await write('written by somebody else')
    await alice.getByText('written by somebody else').waitFor()
    expect(await alice.inputValue('.narrow [name=q]')).toBe('half a wo')
    expect(await alice.locator(':focus').getAttribute('name')).toBe('q')
    expect(await scrolled()).toBe(before)

    await visit(alice, '/calendar')
    await alice.locator('main details summary', { hasText: 'Filter' }).click()
    await alice.selectOption('main details [name=state]', 'failed')
    await plan(await write('planned meanwhile'), inMinutes(200))
    await alice.locator('.chip', { hasText: 'planned meanwhile' }).waitFor()
    expect(await alice.locator('main details[open]').count()).toBe(1)
    expect(await alice.inputValue('main details [name=state]')).toBe('failed')
    expect(await marked(alice)).toBe(true)
  }, 60_000)

  test('the number of what asks for one is kept fresh beside the page', async () => {
    await visit(alice, '/content')
    expect(await alice.locator('#places b.num').count()).toBe(0)
    await api('POST', `/content/${await write('please look')}/submission`)
    await alice.locator('#places b.num').waitFor()
    expect(await alice.textContent('#places b.num')).toContain('1')
  }, 30_000)

  test('a stream that was ended is opened again, and the page catches up with what it missed', async () => {
    await visit(alice, '/content')
    const { services } = desk.running
    const state = (state: string) => services.db.owner`update public.tenants set state = ${state}`
    await state('suspended')
    const limit = Date.now() + 15_000
    while (services.streams.count() > 0 && Date.now() < limit) await Bun.sleep(20)
    expect(services.streams.count()).toBe(0)
    await state('active')
    await write('during the break')
    await alice.getByText('during the break').waitFor({ timeout: 20_000 })
    expect(await marked(alice)).toBe(true)
  }, 60_000)

  test('nobody complained', () => {
    expect(desk.complaints).toEqual([])
  })
})
