/** The checker of `bun run chaos` sees each kind of violation that is planted, and nothing where there is none. */
import { describe, expect, test } from 'bun:test'
import { type Accepted, check, type Evidence, type Recorded, type Shown, violations } from './chaos/check.ts'

const post: Accepted = {
  job: 'j1',
  tenant: 'northwind',
  place: 'ada',
  texts: ['Fresh beans'],
  dueAt: 1_000_000,
  pictures: 1,
  cancelledAt: null,
}
const row: Recorded = {
  job: 'j1',
  tenant: 'northwind',
  text: 'Fresh beans',
  state: 'published',
  openAttempts: 0,
  publishedEvents: 1,
}
const there: Shown = { place: 'ada', text: 'Fresh beans', at: 1_000_200, alts: ['northwind picture'] }
const clean: Evidence = {
  accepted: [post],
  recorded: [row],
  shown: [there],
  places: new Map([
    ['ada', 'northwind'],
    ['ben', 'northwind'],
    ['dan', 'southpaw'],
  ]),
  clearAt: 0,
  mostLateMs: 1_000,
  told: [],
}
const nothing = Object.fromEntries(violations.map(one => [one, 0]))

test('finds nothing where nothing is wrong', () => {
  expect(check(clean)).toEqual({ counts: nothing as never, found: [] })
  for (const state of ['failed', 'unconfirmed', 'cancelled', 'held'])
    expect(check({ ...clean, recorded: [{ ...row, state, publishedEvents: 0 }], shown: [] }).found).toEqual(
      [],
    )
  expect(check({ ...clean, recorded: [{ ...row, state: 'unconfirmed', publishedEvents: 0 }] }).found).toEqual(
    [],
  )
})

describe('finds what is planted', () => {
  const planted: [string, Partial<Evidence>, Partial<Record<(typeof violations)[number], number>>][] = [
    ['no row', { recorded: [], shown: [] }, { LOST: 1 }],
    ['no end', { recorded: [{ ...row, state: 'publishing', publishedEvents: 0 }], shown: [] }, { LOST: 1 }],
    ['an attempt without an end', { recorded: [{ ...row, openAttempts: 1 }] }, { LOST: 1 }],
    ['shown twice', { shown: [there, there] }, { DOUBLE: 1 }],
    [
      'sent after its cancelling was answered',
      {
        accepted: [{ ...post, cancelledAt: 999_000 }],
        recorded: [{ ...row, state: 'unconfirmed', publishedEvents: 0 }],
      },
      { DOUBLE: 1 },
    ],
    ['early', { shown: [{ ...there, at: 999_900 }] }, { EARLY: 1 }],
    ['late', { shown: [{ ...there, at: 1_002_000 }] }, { LATE: 1 }],
    ['words of nobody', { shown: [there, { ...there, text: 'Stale beans' }] }, { WRONG: 1 }],
    ['another account', { shown: [{ ...there, place: 'ben' }] }, { WRONG: 1 }],
    ['published and not there', { shown: [] }, { LIE: 1 }],
    ['there and failed', { recorded: [{ ...row, state: 'failed', publishedEvents: 0 }] }, { LIE: 1 }],
    ['told twice', { recorded: [{ ...row, publishedEvents: 2 }] }, { LIE: 1 }],
    ['a process that does not come back', { told: [['ZOMBIE', 'process 2']] }, { ZOMBIE: 1 }],
    ['connections that stay open', { told: [['LEAK', '9 connections']] }, { LEAK: 1 }],
    ['planned twice', { recorded: [row, { ...row, job: 'j2' }] }, { DOUBLE: 1 }],
    ["another tenant's account", { shown: [{ ...there, place: 'dan' }] }, { WRONG: 1 }],
    ["another tenant's row", { recorded: [{ ...row, tenant: 'southpaw' }] }, { WRONG: 1 }],
    ["another tenant's picture", { shown: [{ ...there, alts: ['southpaw picture'] }] }, { WRONG: 1 }],
    ['without its picture', { shown: [{ ...there, alts: [] }] }, { WRONG: 1 }],
  ]
  for (const [name, change, counts] of planted)
    test(name, () => {
      expect(check({ ...clean, ...change }).counts).toEqual({ ...nothing, ...counts } as never)
    })

  test('each part of a thread once, under the one before it', () => {
    const accepted = [{ ...post, parts: ['Second part', 'Third part'] }]
    const parts: Shown[] = [
      { ...there, answers: null },
      { ...there, text: 'Second part', alts: [], answers: 'Fresh beans' },
      { ...there, text: 'Third part', alts: [], answers: 'Second part' },
    ]
    const found = (shown: readonly Shown[]) => check({ ...clean, accepted, shown }).counts
    expect(found(parts)).toEqual(nothing as never)
    expect(found([...parts, ...parts.slice(2)])).toEqual({ ...nothing, DOUBLE: 1 } as never)
    expect(found(parts.slice(0, 2))).toEqual({ ...nothing, LIE: 1 } as never)
    const moved = { ...there, text: 'Third part', alts: [], answers: 'Fresh beans' }
    expect(found([...parts.slice(0, 2), moved])).toEqual({ ...nothing, WRONG: 1 } as never)
  })

  test('late only from the moment on at which nothing was in the way', () => {
    const late = { shown: [{ ...there, at: 1_030_000 }] }
    expect(check({ ...clean, ...late, clearAt: 1_029_500 }).counts.LATE).toBe(0)
    expect(check({ ...clean, ...late, clearAt: 1_028_500 }).counts.LATE).toBe(1)
    const accepted = [{ ...post, clearAt: 0 }]
    expect(check({ ...clean, ...late, accepted, clearAt: 1_029_500 }).counts.LATE).toBe(1)
  })
})
