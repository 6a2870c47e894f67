import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
let alice: Person
let at: string
beforeAll(async () => {
  house = await openHouse()
  alice = house.alice
  at = `/w/${alice.tenant.slug}`
})
afterAll(() => house.close())

const zone = 'Asia/Kathmandu'
const now = Date.now()
const inDays = (days: number, time = '07:15') =>
  `${new Date(now + days * 86_400_000).toISOString().slice(0, 10)}T${time}`
const rehearsal = async () =>
  (await alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })).body.id as string
const recurrencesOf = async (content: string) =>
  (await alice.api('GET', `/recurrences?content=${content}`)).body.items as {
    id: string
    rule: string
    state: string
    upcoming: { occurrence: string; skipped: boolean }[]
  }[]
const compose = async (given: Record<string, string | string[]>) => {
  const account = await rehearsal()
  const answer = await alice.page('POST', `${at}/content/new/publish-jobs`, {
    text: 'From the form.',
    accounts: account,
    when: 'at',
    local: inDays(2),
    zone,
    ...given,
  })
  return { ...answer, account, content: answer.location.split('/').at(-1) ?? '' }
}

describe('the composer', () => {
  test('lets a post repeat, and shows that it does', async () => {
    const { status, content } = await compose({ every: 'fortnight', days: ['MO', 'TH'], times: '6' })
    expect(status).toBe(303)
    const [made] = await recurrencesOf(content)
    expect(made).toMatchObject({ rule: 'FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH;COUNT=6', state: 'active' })
    const { html } = await alice.page('GET', `${at}/content/${content}`)
    expect(html).toContain('It repeats')
    expect(html).toContain(`${at}/recurrences/${made?.id}`)
    // Two of the moments are listed; the others are on the page of the rule.
    expect(html.match(/href="[^"]*\/publish-jobs\/[0-9a-f-]{36}"/g)?.length).toBe(2)
  })

  test('says each rhythm as a rule', async () => {
    const day = Temporal.PlainDate.from(inDays(2).slice(0, 10))
    const code = ['MO', 'TU', 'WE', 'TH', 'FR', 'SA', 'SU'][day.dayOfWeek - 1]
    for (const [every, rule] of [
      ['day', 'FREQ=DAILY'],
      ['workdays', 'FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR'],
      ['week', `FREQ=WEEKLY;BYDAY=${code}`],
      ['month', `FREQ=MONTHLY;BYMONTHDAY=${day.day}`],
      ['month-weekday', `FREQ=MONTHLY;BYDAY=${day.day > 28 ? -1 : Math.ceil(day.day / 7)}${code}`],
      ['month-last', 'FREQ=MONTHLY;BYMONTHDAY=-1'],
      ['year', 'FREQ=YEARLY'],
    ] as const) {
      const { content } = await compose({ every })
      expect([every, (await recurrencesOf(content))[0]?.rule]).toEqual([every, rule])
    }
    const { content } = await compose({ every: 'day', until: inDays(9).slice(0, 10) })
    expect((await recurrencesOf(content))[0]?.rule).toBe(
      `FREQ=DAILY;UNTIL=${inDays(9).slice(0, 10).replaceAll('-', '')}T235900`,
    )
  })

  test('tells at the field what is wrong, and keeps what was typed', async () => {
    for (const [given, words] of [
      [{ every: 'day', times: '3', until: '2030-01-01' }, 'Choose either the last day or how many times.'],
      [{ every: 'day', times: '0' }, 'This must be a number from 1 to 1000.'],
      [{ every: 'day', until: '2020-01-01' }, 'This rule has no occurrence at all'],
      [{ every: 'week', local: '2020-01-01T09:00' }, 'has passed'],
      [{ every: 'week', when: 'slot' }, 'A post that repeats needs its first day and time'],
      [{ every: 'week', when: 'now' }, 'A post that repeats needs its first day and time'],
    ] as const) {
      const { status, html } = await compose(given)
      expect([words, status]).toEqual([words, 422])
      expect(html).toContain(words)
      expect(html).toContain('From the form.')
      expect(html).toContain(`<option value="${given.every}" selected`)
    }
    expect(
      (await alice.api('GET', '/recurrences?limit=100')).body.items.every(
        (one: { rule: string }) => one.rule,
      ),
    ).toBe(true)
  })

  test('plans for the next free slot', async () => {
    const { status, html } = await compose({ when: 'slot' })
    expect(status).toBe(422)
    expect(html).toContain('has no weekly slots')
    const account = await rehearsal()
    const added = await alice.page('POST', `${at}/accounts/${account}/slots`, {
      weekdays: ['1', '4'],
      local: '18:20',
    })
    expect(added.location).toBe(`${at}/accounts/${account}#slots`)
    const [free] = (await alice.api('GET', `/slots/free?account=${account}`)).body.items
    const { content } = await compose({ when: 'slot', accounts: account, local: '' })
    const jobs = (await alice.api('GET', `/publish-jobs?account=${account}`)).body.items
    expect(jobs).toMatchObject([{ contentId: content, local: free.local, state: 'scheduled' }])
  })
})

describe('an account’s page', () => {
  test('shows, adds and removes weekly slots, also without a word typed', async () => {
    const account = await rehearsal()
    const page = () => alice.page('GET', `${at}/accounts/${account}`)
    expect((await page()).html).toContain('None yet: add the first below.')
    await alice.page('POST', `${at}/accounts/${account}/slots`, { weekdays: ['2', '5'], local: '09:40' })
    const { html } = await page()
    expect(html.match(/aria-label="Remove \w+ 09:40"/g)).toHaveLength(2)
    const [, removal = ''] = /action="([^"]*\/slots\/[^"]*\/removal)"/.exec(html) ?? []
    await alice.page('POST', removal, {})
    expect((await page()).html.match(/aria-label="Remove \w+ 09:40"/g)).toHaveLength(1)
    const none = await alice.page('POST', `${at}/accounts/${account}/slots`, { local: '09:40' })
    expect(decodeURIComponent(none.headers.get('set-cookie') ?? '')).toContain('at least one day')
    // A writer sees them, and no way to change them.
    const seen = await house.ann.page('GET', `${at}/accounts/${account}`)
    expect(seen.html).toContain('09:40')
    expect(seen.html).not.toContain('/slots"')
  })
})

describe('the calendar', () => {
  test('shows free slots to those who schedule, and leads from one to a post for it', async () => {
    const account = await rehearsal()
    await alice.api('POST', '/slots', {
      account,
      weekdays: [1, 2, 3, 4, 5, 6, 7],
      local: '23:58',
      zone: 'Europe/Berlin',
    })
    const [, , free] = (await alice.api('GET', `/slots/free?account=${account}`)).body.items
    const link = `${at}/content/new?local=${free.local}&amp;account=${account}`
    const month = `${at}/calendar?month=${free.local.slice(0, 7)}&account=${account}`
    expect((await alice.page('GET', month)).html).toContain(link)
    expect((await house.ann.page('GET', month)).html).not.toContain('chip-free')
    const { html } = await alice.page('GET', link.replace('&amp;', '&'))
    expect(html).toContain(`value="${free.local}"`)
    const other = await alice.page('GET', `${at}/content/new?local=${free.local}&account=${house.dan.id}`)
    expect(other.status).toBe(200)
  })
})

describe('the pages of what repeats', () => {
  test('do not leave what was stopped all over the calendar; who asks for it sees it', async () => {
    const { content } = await compose({ every: 'day', text: 'Only this one rule.' })
    const [made] = await recurrencesOf(content)
    const month = `${at}/calendar?month=${inDays(2).slice(0, 7)}`
    expect((await alice.page('GET', month)).html).toContain('Only this one rule.')
    await alice.page('POST', `${at}/recurrences/${made?.id}/stop`, {})
    expect((await alice.page('GET', month)).html).not.toContain('Only this one rule.')
    expect((await alice.page('GET', `${month}&state=cancelled`)).html).toContain('Only this one rule.')
    expect((await alice.page('GET', `${at}/content/${content}`)).html).not.toContain('Where it goes')
  })

  test('list it, skip one, change it from there on, and stop it', async () => {
    const { content } = await compose({ every: 'day' })
    const [made] = await recurrencesOf(content)
    const here = `${at}/recurrences/${made?.id}`
    expect((await alice.page('GET', `${at}/recurrences`)).html).toContain(here)
    const { html } = await alice.page('GET', here)
    expect(html).toContain('Every day at 07:15')
    expect(html.match(/name="occurrence"/g)).toHaveLength(10)
    await alice.page('POST', `${here}/skips`, { occurrence: made?.upcoming[1]?.occurrence ?? '' })
    expect((await recurrencesOf(content))[0]?.upcoming[1]).toMatchObject({ skipped: true })
    const skipped = (await alice.page('GET', here)).html
    expect(skipped).toContain('Skipped')
    expect(skipped.match(/Take back/g)).toHaveLength(1)
    const back = await alice.page('POST', `${here}/skips/removal`, {
      occurrence: made?.upcoming[1]?.occurrence ?? '',
    })
    expect([back.status, back.location]).toEqual([303, here])
    expect((await alice.page('GET', here)).html).not.toContain('Take back')
    expect((await recurrencesOf(content))[0]?.upcoming[1]).toMatchObject({
      skipped: false,
      jobs: [{ state: 'scheduled' }],
    })

    const from = made?.upcoming[4]?.occurrence ?? ''
    const wrong = await alice.page('POST', `${here}/successor`, { from, time: '25:00' })
    expect(wrong.status).toBe(422)
    expect(wrong.html).toContain('This must be a time such as 09:00.')
    const both = await alice.page('POST', `${here}/successor`, {
      from,
      time: '08:00',
      every: 'day',
      times: '2',
      until: '2030-01-01',
    })
    expect(both.html).toContain('Choose either the last day or how many times.')
    const changed = await alice.page('POST', `${here}/successor`, { from, time: '20:00' })
    expect(changed.status).toBe(303)
    const [next, old] = await recurrencesOf(content)
    expect(changed.location).toBe(`${at}/recurrences/${next?.id}`)
    expect(next?.upcoming[0]?.occurrence).toBe(`${from.slice(0, 10)}T20:00`)
    expect(old?.upcoming).toHaveLength(4)

    await alice.page('POST', `${at}/recurrences/${next?.id}/stop`, {})
    const stopped = await alice.page('GET', `${at}/recurrences/${next?.id}`)
    expect(stopped.html).toContain('Stopped')
    expect(stopped.html).not.toContain('Stop it')
    // Who may not schedule sees it all and changes nothing.
    expect((await house.ann.page('GET', here)).html).not.toContain('name="occurrence"')
    expect((await house.ann.page('POST', `${here}/stop`, {})).status).toBe(403)
    expect((await house.dan.page('GET', `/w/${house.dan.tenant.slug}/recurrences/${made?.id}`)).status).toBe(
      404,
    )
  })
})
