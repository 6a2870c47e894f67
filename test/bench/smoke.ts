/**
 * The figures that tell whether something has become slow: one real process on its own embedded PostgreSQL, asked
 * from this process over the loopback, beside two baselines of the same run and machine.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Job } from '../../src/publishing/schema.ts'
import { baselines } from './baselines.ts'
import { type Ask, asker, command, memoryOf, password, type RunningApp, signIn, startApp } from './desk.ts'
import { type Figures, figures, load, series, table } from './figures.ts'

const pieces = 300
const planned = 250
const atOnce = 50
const owner = 'bench@example.com'

const say = (line: string) => console.error(line)

export async function smoke(): Promise<object> {
  // Others at work on the machine make every figure worse: the reader should know.
  const loadBefore = Math.round((loadavg()[0] ?? 0) * 10) / 10
  // Readable for the database's own user, where root runs this.
  const dataDir = mkdtempSync(join(tmpdir(), 'masthead-bench-'))
  Bun.spawnSync(['chmod', '755', dataDir])
  let app: RunningApp | null = null
  try {
    const cold = await startApp(dataDir)
    app = cold
    await cold.stop()
    const warm = await startApp(dataDir)
    app = warm
    await Bun.sleep(1_000)
    const rssIdle = memoryOf(warm.pid)
    const made = await command(
      dataDir,
      'tenant',
      ['create', 'bench', '--name', 'Bench', '--owner-name', 'Bea', '--owner-email', owner].concat([
        '--zone',
        'Europe/Berlin',
        '--password-stdin',
        '--json',
      ]),
      password,
    )
    const { apiKey } = JSON.parse(made.trim().split('\n').at(-1) ?? '{}') as { apiKey: string }
    const ask = asker(warm.address, apiKey)
    say(`Filling a workspace with ${pieces} pieces of content and ${planned * 2} publish jobs …`)
    const { accounts, month } = await fill(ask)
    const cookie = await signIn(warm.address, owner)
    const measured = await measure(warm, ask, { apiKey, cookie, accounts, month })
    const rssAfter = memoryOf(warm.pid)
    const { hello, select } = await baselines(dataDir)
    const early = measured.lateness.early
    const rows: [string, Figures][] = [
      ['baseline: bare Bun.serve', hello],
      ['baseline: select 1', select],
      [`calendar page, ${planned * 2} jobs`, measured.calendar],
      ['the same, one caller', measured.calendarAlone],
      ['GET /api/v1/content', measured.list],
      ['POST /api/v1/content', measured.create],
      ['publish now, asked → seen', measured.publishNow],
      [`${atOnce} due at once, late by`, measured.lateness.late],
    ]
    say(`\n${table(rows)}\n`)
    const ratio = (of: Figures, to: Figures) => Math.round((to.perSecond / of.perSecond) * 10) / 10
    const ratios = {
      helloPerCalendar: ratio(measured.calendar, hello),
      helloPerList: ratio(measured.list, hello),
      selectPerList: ratio(measured.list, select),
      selectPerCreate: ratio(measured.create, select),
    }
    say(`load of the machine before: ${loadBefore} on ${navigator.hardwareConcurrency} cores`)
    say(`early: ${early} of ${atOnce}`)
    say(
      `one bare answer costs 1/${ratios.helloPerList} of GET /content and 1/${ratios.helloPerCalendar} of the calendar page`,
    )
    say(
      `start to /readyz: ${cold.startedIn} ms on an empty folder, ${warm.startedIn} ms beside a running database`,
    )
    say(`memory of the app: ${rssIdle} MiB idle, ${rssAfter} MiB after the load`)
    return {
      machine: {
        cores: navigator.hardwareConcurrency,
        platform: `${process.platform}-${process.arch}`,
        bun: Bun.version,
        loadBefore,
      },
      baseline: { hello, select },
      calendar: measured.calendar,
      calendarAlone: measured.calendarAlone,
      list: measured.list,
      create: measured.create,
      publishNow: measured.publishNow,
      lateness: { ...measured.lateness.late, early },
      ratios,
      start: { coldMs: cold.startedIn, warmMs: warm.startedIn },
      rssMiB: { idle: rssIdle, afterLoad: rssAfter },
    }
  } finally {
    await app?.stop()
    await command(dataDir, 'db-stop').catch(error => say(String(error)))
    rmSync(dataDir, { recursive: true, force: true })
  }
}

/** Content, and jobs spread over the whole of next month. */
async function fill(ask: Ask): Promise<{ accounts: string[]; month: string }> {
  const { items } = await ask<{ items: { id: string }[] }>('GET', '/accounts')
  const accounts = items.map(({ id }) => id)
  for (let at = 0; at < 9; at++)
    accounts.push(
      (await ask<{ id: string }>('POST', '/accounts', { platform: 'rehearsal', settings: {} })).id,
    )
  const month = Temporal.Now.plainDateISO('Europe/Berlin').toPlainYearMonth().add({ months: 1 })
  await eachOf(pieces, async at => {
    const text = `Piece ${at}: ${'a short report from the roastery. '.repeat(1 + (at % 5))}`
    const { id } = await ask<{ id: string }>('POST', '/content', { text, tags: [`tag${at % 7}`] })
    if (at >= planned) return
    const time = month
      .toPlainDate({ day: 1 + (at % month.daysInMonth) })
      .toPlainDateTime({ hour: 6 + (at % 14), minute: at % 60 })
    await ask('POST', `/content/${id}/publish-jobs`, {
      accounts: [accounts[at % 5], accounts[5 + (at % 5)]],
      at: { local: time.toString({ smallestUnit: 'minute' }), zone: 'Europe/Berlin' },
    })
  })
  return { accounts, month: month.toString() }
}

async function eachOf(count: number, work: (at: number) => Promise<void>): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: 8 }, lane))
}

interface Asked {
  apiKey: string
  cookie: string
  accounts: string[]
  month: string
}

async function measure(app: RunningApp, ask: Ask, { apiKey, cookie, accounts, month }: Asked) {
  const get = (path: string, headers: Record<string, string>, holds: string) => async () => {
    const answer = await fetch(app.address + path, { headers })
    const text = await answer.text()
    if (!answer.ok || !text.includes(holds))
      throw new Error(`GET ${path}: ${answer.status} ${text.slice(0, 200)}`)
  }
  say('Measuring …')
  const calendar = await load(get(`/w/bench/calendar?month=${month}`, { cookie }, '</html>'))
  const calendarAlone = await load(get(`/w/bench/calendar?month=${month}`, { cookie }, '</html>'), {
    callers: 1,
    measureMs: 2_000,
  })
  const list = await load(get('/api/v1/content', { authorization: `Bearer ${apiKey}` }, '"items"'))
  const create = await load(() => ask('POST', '/content', { text: 'One more from the bench.' }))
  const publishNow = await series(25, () => publishOne(ask, accounts[0] ?? ''))
  return { calendar, calendarAlone, list, create, publishNow, lateness: await dueAtOnce(ask, accounts) }
}

/** Asks for a job to go out now, to the own feed. @returns milliseconds until the API shows it as published */
async function publishOne(ask: Ask, account: string): Promise<number> {
  const { id } = await ask<{ id: string }>('POST', '/content', { text: 'Out now.' })
  const began = performance.now()
  const { items } = await ask<{ items: Job[] }>('POST', `/content/${id}/publish-jobs`, {
    accounts: [account],
    now: true,
  })
  while ((await ask<Job>('GET', `/publish-jobs/${items[0]?.id}`)).state !== 'published') {
    if (performance.now() - began > 20_000) throw new Error('A post was not published within 20 s')
  }
  return performance.now() - began
}

/** Plans jobs for one and the same instant, evenly over the accounts. @returns by how much each was late */
async function dueAtOnce(ask: Ask, accounts: readonly string[]): Promise<{ late: Figures; early: number }> {
  const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + 5_000)
  const ids: string[] = []
  await eachOf(atOnce, async number => {
    const { id } = await ask<{ id: string }>('POST', '/content', { text: `On the second, number ${number}.` })
    const { items } = await ask<{ items: Job[] }>('POST', `/content/${id}/publish-jobs`, {
      accounts: [accounts[number % accounts.length]],
      at: at.toISOString(),
    })
    ids.push(...items.map(job => job.id))
  })
  if (Date.now() >= at.getTime()) throw new Error('Planning took longer than the time until they were due')
  await Bun.sleep(at.getTime() - Date.now())
  const late: number[] = []
  for (const id of ids) {
    let job = await ask<Job>('GET', `/publish-jobs/${id}`)
    while (job.state !== 'published') {
      if (Date.now() - at.getTime() > 30_000) throw new Error(`A due post is ${job.state} after 30 s`)
      await Bun.sleep(20)
      job = await ask<Job>('GET', `/publish-jobs/${id}`)
    }
    late.push(Date.parse(job.publishedAt ?? '') - at.getTime())
  }
  return { late: figures(late, Math.max(...late) / 1000), early: late.filter(ms => ms < 0).length }
}
