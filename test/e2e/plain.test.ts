import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { describePeer } from '../peers/index.ts'
import { type LiveDesk, openLiveDesk } from './desk.ts'
import { password, pick, picture, press, setUp, signIn } from './people.ts'

describePeer('chromium', 'without scripts, by links and forms alone', () => {
  let desk: LiveDesk
  let page: Page
  let bob: Page
  const at = (path = '') => `${desk.address}/w/plain${path}`
  const main = async (person = page) => (await person.textContent('main')) ?? ''
  beforeAll(async () => {
    desk = await openLiveDesk()
    page = await desk.person({ scripts: false })
    bob = await desk.person({ scripts: false, width: 390 })
  }, 60_000)
  afterAll(() => desk?.close())

  /** Opens what a summary folds away, inside `main`. */
  const unfold = (words: string, person = page) =>
    person.locator('main summary', { hasText: words }).first().click()
  const follow = async (link: string, person = page) => {
    await Promise.all([person.waitForEvent('load'), person.locator(link).first().click()])
  }
  /** Loads the page again until it says so: without scripts nothing does that by itself. */
  async function until(words: string): Promise<void> {
    const limit = Date.now() + 15_000
    while (!(await main()).includes(words)) {
      if (Date.now() > limit) throw new Error(`The page never says "${words}", but: ${await main()}`)
      await page.reload()
    }
  }

  test('sets up, signs out, signs in', async () => {
    await setUp(desk, page, {
      name: 'Plain',
      slug: 'plain',
      ownerName: 'Alice',
      email: 'alice@plain.example',
    })
    await press(page, 'Sign out', '.rail')
    await page.goto(at('/calendar'))
    await signIn(page, 'alice@plain.example')
    expect(page.url()).toBe(at('/calendar'))
  }, 30_000)

  test('connects a rehearsal', async () => {
    await follow('.rail a[href$="/accounts"]')
    await follow('a[href$="/accounts/connect/rehearsal"]')
    await press(page, /^Connect/)
    expect(await page.textContent('.flash')).toContain('is connected')
  }, 20_000)

  test('writes with a picture, schedules, moves and cancels', async () => {
    await follow('.bar a[href$="/content/new"]')
    await page.fill('textarea[name=text]', 'The autumn roast is back.')
    await page.setInputFiles('[name=_pictures]', await picture())
    await press(page, 'Upload')
    expect(await page.inputValue('textarea[name=text]')).toBe('The autumn roast is back.')
    await page.fill('textarea[name^="alt."]', 'Roasted beans')
    await pick(page)
    await page.fill('[name=local]', '2031-05-01T09:00')
    await press(page, 'Schedule')
    expect(await page.inputValue('textarea[name^="alt."]')).toBe('Roasted beans')
    await follow('main a[href*="/publish-jobs/"]')
    await page.fill('[name=local]', '2031-06-02T10:30')
    await press(page, 'Move it')
    expect(await main()).toContain('2 Jun 2031')
    await unfold('Cancel')
    await page.locator('details[open] button:not([type=button])').first().click()
    await page.waitForLoadState('load')
    expect(await main()).toContain('Cancelled')
  }, 40_000)

  test('publishes at once, and reads it on the feed', async () => {
    await page.goto(at('/content/new'))
    await page.fill('textarea[name=text]', 'Out at once.')
    await pick(page, /feed/i)
    await unfold('Publish now')
    await press(page, 'Send it out now')
    expect(page.url()).toContain('/publish-jobs/')
    await until('Went out')
    await page.goto(`${desk.address}/feed/plain`)
    expect(await page.textContent('main')).toContain('Out at once')
  }, 40_000)

  test('invites somebody, who joins by the link, writes and asks for a review', async () => {
    await page.goto(at('/people'))
    await page.fill('[name=email]', 'bob@plain.example')
    await page.check('input[value=author]')
    await press(page, 'Make the link')
    await bob.goto(await page.inputValue('#invitation-link'))
    await bob.fill('[name=name]', 'Bob')
    await bob.fill('[name=password]', password)
    await press(bob, 'Join')
    await bob.locator('.rail-more > summary').click()
    await follow('.drawer a[href$="/workflows"], .drawer a[href$="/media"]', bob)
    await bob.goto(at('/content/new'))
    await bob.fill('textarea[name=text]', 'A recipe by Bob.')
    await press(bob, 'Send to review')
    expect(await main(bob)).toContain('It waits for review')
  }, 40_000)

  test('asks for changes, gets them, comments and approves', async () => {
    await page.goto(at('/review'))
    await unfold('Ask for changes')
    await page.fill('textarea[name=note]', 'How much water?')
    await press(page, 'Send it back')
    await bob.goto(at('/notifications'))
    await follow('main a[href*="/content/"]', bob)
    expect(await main(bob)).toContain('How much water?')
    await bob.fill('textarea[name=text]', 'A recipe by Bob, with a litre of water.')
    await press(bob, 'Send to review')
    await bob.fill('#f-comment', 'A litre.')
    await press(bob, /^Comment$/)
    await page.goto(at('/review'))
    expect(await main()).toContain('A litre.')
    await press(page, 'Approve')
    expect(await page.textContent('.flash')).toContain('Approved')
    await follow('.rail a[href$="/content"]')
    await page.fill('[data-search]', 'recipe')
    await Promise.all([page.waitForEvent('load'), page.press('[data-search]', 'Enter')])
    await follow('main a[href*="/content/0"]')
    await follow('main a[href$="/versions"]')
    expect(await main()).toContain('How much water?')
  }, 40_000)

  test('changes the settings, the password and a role', async () => {
    await page.goto(at('/settings'))
    await page.fill('#workspace [name=name]', 'Plain Coffee')
    await press(page, /^Save$/, '#workspace')
    expect(await page.textContent('.rail-name small')).toBe('Plain Coffee')
    await page.fill('[name=currentPassword]', password)
    await page.fill('[name=password]', `${password} indeed`)
    await press(page, 'Change the password')
    expect(await page.textContent('.flash')).toContain('Your password is changed')
    await page.fill('#f-key-name', 'n8n')
    await press(page, 'Make a key')
    expect(await page.inputValue('#api-key')).toMatch(/^\w+/)
    await page.goto(at('/people'))
    await unfold('Role')
    await page.locator('details[open] input[value=editor]').check({ force: true })
    await press(page, /^Save$/, 'details[open]')
    expect(await page.textContent('.flash')).toContain('Bob is now editor')
  }, 40_000)

  test('signs out, and nothing complained', async () => {
    await press(page, 'Sign out', '.rail')
    expect(await main()).toContain('You are signed out')
    await page.goto(at())
    expect(new URL(page.url()).pathname).toBe('/sign-in')
    expect(desk.complaints).toEqual([])
  }, 20_000)
})
