import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { makeReset } from '../../src/auth/passwords.ts'
import { describePeer } from '../peers/index.ts'
import { type LiveDesk, openLiveDesk } from './desk.ts'
import { pageRoutes, pagesOf, shared } from './pages.ts'
import { pick, picture, press, setUp } from './people.ts'

const axeSource = readFileSync(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8')
const at = (desk: LiveDesk, path = '') => `${desk.address}/w/open${path}`

/** What axe finds serious or critical, one line each; colours only, where the rest has been looked at. */
async function examine(page: Page, colours: boolean): Promise<string[]> {
  const rules = colours ? `{ runOnly: ['color-contrast'] }` : '{}'
  return page.evaluate<string[]>(`(async () => {
    const { violations } = await axe.run(document, { resultTypes: ['violations'], ...${rules} })
    return violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .flatMap(({ id, nodes }) => nodes.map(node => id + ' ' + node.target.join(' ') + ': ' + node.failureSummary.replace(/\\s+/g, ' ')))
  })()`)
}

/** What the keyboard stands on, in words, and whether one can see it. */
const focused = (page: Page) =>
  page.evaluate<{ name: string; seen: boolean }>(`(() => {
    const on = document.activeElement
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(on)
    const { width, height } = on.getBoundingClientRect()
    // A field without a frame of its own is framed by what stands around it.
    const around = on.closest('.paper, .bar-search form, .acct, .choice, .picker')
    const framed = around && (getComputedStyle(around).outlineStyle !== 'none' || getComputedStyle(around).boxShadow !== 'none' || on.matches('.paper textarea, .bar-search input'))
    return {
      name: on.id || on.getAttribute('name') || on.getAttribute('href') || on.textContent.trim().slice(0, 40),
      seen: on !== document.body && width > 0 && height > 0 &&
        ((outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none' || Boolean(framed)),
    }
  })()`)

const focusIsOnWhatIsWrong = `(() => {
  const wrong = [...document.querySelectorAll('.summary, [aria-invalid=true], .field-bad, .notice-bad')]
  const on = document.activeElement
  return on !== document.body && wrong.some(one => one.contains(on) || on.contains(one))
})()`

describePeer('chromium', 'pages that everybody can use', () => {
  let desk: LiveDesk
  let page: Page
  beforeAll(async () => {
    desk = await openLiveDesk()
    page = await desk.person()
    await setUp(desk, page, { name: 'Open', slug: 'open', ownerName: 'Alice', email: 'alice@open.example' })
  }, 60_000)
  afterAll(() => desk?.close())

  test('every list that is empty says so, with the next step', async () => {
    const empty = {
      '/content': /content\/new/,
      '/review': /content/,
      '/publish-jobs': /./,
      '/notifications': /calendar/,
      '/workflows': /./,
      '/media': /./,
      '/media/generate': /media/,
      '/people': /./,
      '/settings': /./,
    }
    for (const path of Object.keys(empty)) {
      await page.goto(at(desk, path))
      const words = await page
        .locator('main .empty')
        .first()
        .innerHTML({ timeout: 2_000 })
        .catch(() => '')
      expect({ path, words }).toMatchObject({ path, words: expect.stringMatching(/<h\d[^>]*>.+<\/h\d>/s) })
    }
    await page.goto(at(desk))
    expect(
      await page.locator('main a[href$="/accounts/connect/rehearsal"], main a[href$="/content/new"]').count(),
    ).toBeGreaterThan(0)
    await page.goto(`${desk.address}/feed/open`)
    expect((await page.textContent('main'))?.trim()).not.toBe('')
  }, 40_000)

  test('a form that is refused comes back filled in, with the focus on what is wrong', async () => {
    const refused = async (
      path: string | null,
      fields: Record<string, string>,
      button: string | RegExp,
      within = 'main',
    ) => {
      if (path !== null) await page.goto(at(desk, path))
      for (const [selector, value] of Object.entries(fields)) {
        await page.fill(selector, value)
        await page.locator(selector).evaluate(field => field.closest('form')?.setAttribute('novalidate', ''))
      }
      await press(page, button, within)
      const kept: Record<string, string> = {}
      for (const selector of Object.keys(fields)) kept[selector] = await page.inputValue(selector)
      const passwords = Object.keys(fields).filter(name => /password/i.test(name))
      expect({ path, ...kept }).toEqual({
        path,
        ...fields,
        ...Object.fromEntries(passwords.map(name => [name, ''])),
      })
      expect({ path, near: await page.evaluate(focusIsOnWhatIsWrong) }).toEqual({ path, near: true })
    }
    await refused('/people', { '[name=email]': 'nobody' }, 'Make the link')
    await refused('/settings', { '#workspace [name=name]': ' ' }, /^Save$/, '#workspace')
    await refused(
      '/settings',
      { '[name=currentPassword]': 'wrong', '[name=password]': 'short' },
      'Change the password',
    )
    await refused('/settings', { '#f-key-name': ' ' }, 'Make a key')
    await refused(
      '/workflows',
      { 'main [name=name]': 'Tell', '[name=path]': 'https://x/' },
      'Make the workflow',
    )
    await refused('/accounts/connect/mastodon', { 'main input >> nth=0': 'not an address' }, /^Connect/)
    await refused(
      '/content/new',
      { '[name=text]': 'Too long a tag', '[name=tags]': 'x'.repeat(41), '[name=local]': '2031-01-01T09:00' },
      'Schedule',
      '.action-bar',
    )
    await refused('/media', {}, 'Upload')
    await page.goto(at(desk, '/content/new'))
    await page.fill('textarea[name=text]', 'To be talked about')
    await press(page, 'Send to review')
    await refused(null, { '#f-comment': '   ' }, /^Comment$/)
    await page.getByText('Ask for changes').click()
    await refused(null, { '[name=note]': '   ' }, 'Send it back')
  }, 60_000)

  test('the composer by keyboard alone: skip link, every control, a focus that is seen, Escape', async () => {
    await page.goto(at(desk, '/accounts/connect/rehearsal'))
    await press(page, /^Connect/)
    await page.goto(at(desk, '/media'))
    await page.setInputFiles('[name=files]', await picture())
    await press(page, 'Upload')
    await page.goto(at(desk, '/content/new'))
    await page.fill('textarea[name=text]', 'By keyboard')
    await press(page, /^Save$/, '.action-bar')
    await page.goto(page.url())
    await page.keyboard.press('Tab')
    expect((await focused(page)).name).toBe('#main')
    await page.keyboard.press('Enter')
    await page.evaluate(`for (const folded of document.querySelectorAll('main details')) folded.open = true`)
    const wanted = await page.evaluate<
      string[]
    >(`[...document.querySelectorAll('main :is(a[href], button, input, select, textarea, summary)')]
      .filter(one => one.checkVisibility({ visibilityProperty: true }) && one.tabIndex >= 0 && !one.disabled && one.type !== 'hidden')
      .map((one, at) => (one.dataset.place = String(at)))`)
    const reached = new Set<string>()
    // Parts of a date field are marked inside it; the field itself is framed once at least.
    const sight = new Map<string, boolean>()
    for (let presses = 0; presses < wanted.length + 12; presses++) {
      await page.keyboard.press('Tab')
      const place = await page.evaluate<string | null>('document.activeElement.dataset.place ?? null')
      if (place === null) continue
      reached.add(place)
      const { name, seen } = await focused(page)
      sight.set(name, seen || sight.get(name) === true)
    }
    expect(wanted.filter(place => !reached.has(place))).toEqual([])
    expect([...sight].filter(([, seen]) => !seen).map(([name]) => name)).toEqual([])

    await page.reload()
    const more = page.locator('main summary', { hasText: 'Publish now' })
    await more.focus()
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Send it out now' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await page.locator('main details[data-popover][open]').count()).toBe(0)
    expect(await more.evaluate(summary => summary === summary.ownerDocument.activeElement)).toBe(true)
  }, 60_000)

  test('axe finds nothing serious on any page, light or dark', async () => {
    await fill()
    await page.goto(at(desk, '/people'))
    await page.fill('[name=email]', 'bob@open.example')
    await press(page, 'Make the link')
    const join = new URL(await page.inputValue('#invitation-link')).pathname
    const [tenant] = await desk.running.services.db.sql`select id from public.tenants`
    const { token } = await desk.running.services.db.within(
      { tenantId: tenant?.id as string, userId: null, role: 'system' },
      scope => makeReset(scope, 'alice@open.example'),
    )
    const pages = await pagesOf(desk, { join, reset: `/reset/${tenant?.id}/${token}` })
    expect(Object.keys(pages).sort()).toEqual(pageRoutes(desk).sort())
    const found: string[] = []
    await shared(
      [page, await page.context().newPage()],
      Object.values(pages).flatMap(paths => paths.slice(0, 5)),
      async (hand, path) => {
        await hand.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
        await hand.goto(desk.address + path)
        await hand.evaluate(axeSource)
        for (const line of await examine(hand, false)) found.push(`${path}: ${line}`)
        await hand.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
        for (const line of await examine(hand, true)) found.push(`${path} (dark): ${line}`)
      },
    )
    expect(found).toEqual([])
    expect(desk.complaints).toEqual([])
  }, 90_000)

  /** One of each: a refusing network, a piece in each state, jobs out, failed, planned and cancelled, a workflow's run. */
  async function fill(): Promise<void> {
    await page.goto(at(desk, '/accounts/connect/rehearsal'))
    await page.selectOption('[name="settings.answer"]', 'rejected')
    await press(page, /^Connect/)
    const write = async (text: string) => {
      await page.goto(at(desk, '/content/new'))
      await page.fill('textarea[name=text]', text)
      await page.fill('[name=tags]', 'coffee')
      await pick(page)
    }
    await write('Out now https://open.example #coffee')
    await page.getByText('Take from the library').click()
    await page.locator('details[open] input[name=media]').first().check()
    await page.locator('main summary', { hasText: 'Publish now' }).click()
    await press(page, 'Send it out now')
    await write('Planned')
    await page.fill('[name=local]', '2031-05-01T09:00')
    await press(page, 'Schedule')
    await write('In review')
    await press(page, 'Send to review')
    await write('Changes')
    await press(page, 'Send to review')
    await page.fill('#f-comment', 'A comment')
    await press(page, /^Comment$/)
    await page.locator('main summary', { hasText: 'Ask for changes' }).click()
    await page.fill('[name=note]', 'Shorter, please')
    await press(page, 'Send it back')
    await page.goto(at(desk, '/workflows'))
    await page.fill('main [name=name]', 'Tell the chat')
    await page.fill('[name=path]', 'tell')
    await press(page, 'Make the workflow')
    await press(page, 'Run it with a sample')
    await page.goto(at(desk, '/settings/webhooks'))
    await page.fill('[name=url]', 'https://hooks.invalid/desk')
    await press(page, 'Make it')
    await press(page, 'Send a test')
  }
})
