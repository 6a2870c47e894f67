import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { operator } from './operator.ts'

setDefaultTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), 'masthead-tenants-'))
// Root's database user must be able to reach it.
chmodSync(folder, 0o755)
const run = operator(folder)
const quiet = { LOG_LEVEL: 'error' }
const tenant = (...args: string[]) => run('tenant', args, '', quiet)
const json = async (...args: string[]) => {
  const { code, out, err } = await tenant(...args, '--json')
  expect([args.join(' '), code, err]).toEqual([args.join(' '), 0, ''])
  expect(out.trimEnd().split('\n')).toHaveLength(1)
  return JSON.parse(out)
}
const sentence = /^[A-Z"-].*\.\n$/

let id = ''
beforeAll(async () => {
  const create = [
    ...['create', 'northwind', '--name', 'Northwind Coffee', '--owner-name', 'Ines', '--password-stdin'],
    ...['--owner-email', 'ines@northwind.example', '--zone', 'Europe/Berlin', '--json'],
  ]
  id = JSON.parse((await run('tenant', create, 'a quiet desk by the window')).out).tenant.id
}, 60_000)
afterAll(async () => {
  await run('db-stop')
  rmSync(folder, { recursive: true, force: true })
})

test('show tells everything of one workspace, and nothing of its people', async () => {
  mkdirSync(join(folder, 'media', id), { recursive: true })
  writeFileSync(join(folder, 'media', id, 'a'), Buffer.alloc(1000))
  expect(await json('show', 'northwind')).toMatchObject({
    id,
    slug: 'northwind',
    name: 'Northwind Coffee',
    state: 'active',
    reason: null,
    eraseAfter: null,
    formerSlugs: [],
    people: { owner: 1 },
    content: 0,
    jobs: {},
    nextDueAt: null,
    bytes: { database: expect.any(Number), media: 1000, snapshots: 0, exports: 0 },
    files: { media: 1, snapshots: 0, exports: 0 },
    keys: { current: 1, others: [] },
    lastSnapshot: null,
  })
  const { out } = await tenant('show', 'northwind')
  expect(out).toMatch(/^workspace {5}Northwind Coffee at \/w\/northwind\n/)
  expect(out).toMatch(/^people {8}1 owner$/m)
  expect(out).not.toContain('ines')
})

test('rename keeps the former address for it, and commands want the present one', async () => {
  expect(await json('rename', 'northwind', 'roasters')).toEqual({ id, from: 'northwind', to: 'roasters' })
  expect((await json('show', 'roasters')).formerSlugs).toEqual(['northwind'])
  const former = await tenant('erase', 'northwind', '--yes', '--now')
  expect([former.code, former.err]).toEqual([
    1,
    '"northwind" is a former address of roasters: use that one, to be sure.\n',
  ])
  const { out } = await tenant('rename', 'roasters', 'northwind')
  expect(out).toContain('/w/roasters and /feed/roasters lead there')
})

test('suspend and resume', async () => {
  const unsaid = await tenant('suspend', 'northwind')
  expect([unsaid.code, unsaid.err]).toEqual([1, expect.stringContaining('Add --reason')])
  const reason = 'The bill of October is open'
  expect(await json('suspend', 'northwind', '--reason', reason)).toMatchObject({ state: 'suspended', reason })
  expect(await json('list', '--state', 'suspended')).toMatchObject([{ slug: 'northwind', reason }])
  expect(await json('list', '--state', 'active')).toEqual([])
  expect((await tenant('show', 'northwind')).out).toMatch(
    /^state {9}suspended {2}“The bill of October is open”$/m,
  )
  expect(await json('resume', 'northwind')).toMatchObject({ state: 'active', late: 0 })
  const twice = await tenant('resume', 'northwind')
  expect([twice.code, twice.err]).toEqual([1, 'northwind is not suspended, so it cannot be resumed.\n'])
})

test('erase plans, is taken back, and is carried out at once when asked', async () => {
  const planned = await json('erase', 'northwind', '--yes')
  expect(planned).toMatchObject({ erased: false, eraseAfter: expect.any(String) })
  expect((await tenant('list')).out).toContain('to be erased after')
  expect(await json('erase', 'northwind', '--keep')).toMatchObject({ state: 'active' })
  const nothing = await tenant('erase', 'northwind', '--keep')
  expect([nothing.code, nothing.err]).toEqual([1, 'northwind is not suspended, so it cannot be kept.\n'])
  const both = await tenant('erase', 'northwind', '--keep', '--now')
  expect([both.code, both.err]).toEqual([1, expect.stringContaining('contradict')])

  mkdirSync(join(folder, 'backups'))
  writeFileSync(join(folder, 'backups', 'monday.age'), '')
  const { code, out } = await tenant('erase', 'northwind', '--yes', '--now')
  expect(code).toBe(0)
  for (const words of [
    'Erased northwind at 20',
    '1 login and everything else',
    'files: 1 of pictures (0.0 MB), 0 of snapshots, 0 of exports',
    'its addresses northwind, roasters, free for others now',
    'stays where it was published',
    'write-ahead log (',
    'monday.age, of 20',
    'within 30 seconds',
  ])
    expect(out).toContain(words)
  expect(existsSync(join(folder, 'media', id))).toBe(false)
  expect((await tenant('list')).out).toContain('There is no workspace yet')
})

test('whatever is wrong is told in one sentence', async () => {
  for (const [args, words] of [
    [['show', 'nowhere'], 'There is no workspace "nowhere"'],
    [['rename', 'nowhere'], 'The new slug is missing'],
    [['list', '--state', 'gone'], '"gone" is no state'],
    [['suspend', 'nowhere', '--reason', 'x'.repeat(301)], 'longer than 300'],
    [['resume'], 'The slug is missing'],
  ] as const) {
    const { code, out, err } = await tenant(...args)
    expect([args.join(' ').slice(0, 40), code, out]).toEqual([args.join(' ').slice(0, 40), 1, ''])
    expect(err).toContain(words)
    expect(err).toMatch(sentence)
  }
})
