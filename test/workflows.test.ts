import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { Webhook } from 'standardwebhooks'
import type { Scope } from '../src/db/scope.ts'
import { record } from '../src/events.ts'
import { nextDue } from '../src/jobs/queue.ts'
import type { ClaimedRun } from '../src/jobs/run-record.ts'
import { runQueue } from '../src/jobs/run-record.ts'
import { claimRuns, performRun } from '../src/jobs/runs.ts'
import { createWorker } from '../src/jobs/worker.ts'
import { newId } from '../src/lib/id.ts'
import { verifySnippet } from '../views/workflows/snippet.ts'
import { type House, openHouse, type Person } from './cast.ts'
import { type N8n, startN8n } from './peers/n8n.ts'

let house: House
let n8n: N8n
beforeAll(async () => {
  n8n = await startN8n()
  house = await openHouse({ N8N_URL: n8n.url })
})
afterAll(async () => {
  await house.close()
  await n8n.stop()
})

interface Made {
  id: string
  secret: string
  path: string
}
let count = 0

/** Alice's workflow at a path of its own. */
async function workflow(more: Record<string, unknown> = {}): Promise<Made> {
  const path = `flow-${++count}`
  const { status, body } = await house.alice.api('POST', '/workflows', {
    name: `Flow ${count}`,
    path,
    ...more,
  })
  expect(status).toBe(201)
  return body
}

const leastRunDue = async (scope: Scope) =>
  (await scope.sql`select ${nextDue(scope, runQueue)} as at`)[0]?.at ?? null
const inside = <T>(person: Person, work: (scope: Scope) => Promise<T>): Promise<T> =>
  house.services.db.within({ tenantId: person.tenant.id, userId: null, role: 'system' }, work)
const claim = (): Promise<ClaimedRun[]> => inside(house.alice, scope => claimRuns(scope, 'test', 20))

/** One round of the worker: claims what is due and performs it. */
async function work(): Promise<ClaimedRun[]> {
  const runs = await claim()
  for (const run of runs) await performRun(house.services, house.alice.tenant.id, run)
  return runs
}

async function run(flow: Made, body?: unknown): Promise<string> {
  const answer = await house.alice.api('POST', `/workflows/${flow.id}/runs`, body)
  expect(answer.status).toBe(202)
  return answer.body.id
}
const read = async (id: string) => (await house.alice.api('GET', `/runs/${id}`)).body
const calls = (flow: Made) => n8n.requests.filter(request => request.path === `/webhook/${flow.path}`)

/** Seconds from the database's now. */
const inSeconds = async (at: string): Promise<number> => {
  const now = await inside(house.alice, async scope => {
    const [row] = await scope.sql`select public.clock() as now`
    return row?.now as Date
  })
  return Math.round((Date.parse(at) - now.getTime()) / 1000)
}

beforeEach(async () => {
  n8n.faults.clear()
  // What an earlier test left waiting is none of the next one's business.
  await inside(house.alice, scope => scope.sql`delete from workflow_runs`)
  await house.shiftClock(0)
})

describe('a workflow', () => {
  test('is made with a secret that only that answer holds, and changed, listed, removed', async () => {
    const flow = await workflow()
    expect(flow.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
    const { secret: _, ...rest } = flow
    expect((await house.alice.api('GET', `/workflows/${flow.id}`)).body).toEqual(rest)
    const changed = await house.alice.api('PATCH', `/workflows/${flow.id}`, { name: 'Other', active: false })
    expect(changed.body).toEqual({ ...rest, name: 'Other', active: false })
    const { items } = (await house.alice.api('GET', '/workflows?limit=1')).body
    expect(items).toHaveLength(1)
    expect(JSON.stringify(items)).not.toContain('whsec_')
    expect((await house.alice.api('DELETE', `/workflows/${flow.id}`)).status).toBe(204)
    expect((await house.alice.api('GET', `/workflows/${flow.id}`)).status).toBe(404)
  })

  test('keeps its secret sealed, for itself only', async () => {
    const flow = await workflow()
    const other = await workflow()
    const sealed = await inside(house.alice, async scope => {
      const [row] = await scope.sql`select secret from workflows where id = ${flow.id}`
      await scope.sql`update workflows set secret = ${row?.secret} where id = ${other.id}`
      return Buffer.from(row?.secret as Uint8Array)
    })
    expect(sealed.includes(Buffer.from(flow.secret))).toBe(false)
    n8n.activate(other.path)
    const id = await run(other)
    await work()
    expect(calls(other)).toHaveLength(0)
    expect(await read(id)).toMatchObject({ state: 'failed', tries: 1 })
    expect((await read(id)).outcome).toContain('MASTHEAD_SECRET')
  })

  test('takes only a plain path behind /webhook/', async () => {
    for (const path of [
      'https://evil.example/webhook/x',
      '../admin',
      'a//b',
      '//host/x',
      'a?b',
      'a b',
      '%2e%2e/x',
    ]) {
      const { status, body } = await house.alice.api('POST', '/workflows', { name: 'x', path })
      expect([path, status, body.errors?.[0]?.path]).toEqual([path, 422, 'path'])
    }
    expect((await workflow({ path: '/with/slash' })).path).toBe('with/slash')
    const unknown = await house.alice.api('POST', '/workflows', { name: 'x', path: 'x', url: 'http://x' })
    expect(unknown.body.errors).toEqual([{ path: 'url', message: 'is not a field here' }])
  })

  test('is for owners and admins; another workspace’s is not there', async () => {
    const flow = await workflow()
    const id = await run(flow)
    for (const person of [house.bob, house.ann, house.cora]) {
      expect((await person.api('GET', '/workflows')).status).toBe(403)
      expect((await person.api('POST', '/workflows', { name: 'x', path: 'x' })).status).toBe(403)
      expect((await person.api('GET', `/workflows/${flow.id}/runs`)).status).toBe(403)
      expect((await person.api('GET', `/runs/${id}`)).status).toBe(403)
      expect((await person.page('GET', '/w/northwind/workflows')).status).toBe(403)
      expect((await person.page('POST', `/w/northwind/workflows/${flow.id}/removal`, {})).status).toBe(403)
    }
    const { dan } = house
    for (const [method, path, body] of [
      ['GET', `/workflows/${flow.id}`, undefined],
      ['PATCH', `/workflows/${flow.id}`, { active: false }],
      ['DELETE', `/workflows/${flow.id}`, undefined],
      ['GET', `/workflows/${flow.id}/runs`, undefined],
      ['POST', `/workflows/${flow.id}/runs`, {}],
      ['GET', `/runs/${id}`, undefined],
      ['GET', '/runs/nonsense', undefined],
    ] as const)
      expect([path, (await dan.api(method, path, body)).status]).toEqual([path, 404])
    for (const path of [`workflows/${flow.id}`, `runs/${id}`, `runs/${id}/progress`])
      expect((await dan.page('GET', `/w/southpaw/${path}`)).status).toBe(404)
    for (const path of ['', '/active', '/runs', '/removal'])
      expect(
        (await dan.page('POST', `/w/southpaw/workflows/${flow.id}${path}`, { name: 'mine', path: 'x' }))
          .status,
      ).toBe(404)
    expect((await house.alice.api('GET', `/workflows/${flow.id}`)).body).toMatchObject({
      name: `Flow ${count}`,
      active: true,
    })
  })
})

describe('a run', () => {
  test('is a signed call, kept with input, answer and outcome', async () => {
    const flow = await workflow()
    n8n.activate(flow.path, { respond: { mode: 'lastNode', items: [{ row: 12, said: 'Grüße 🌍' }] } })
    const id = await run(flow, { input: { type: 'try', text: 'Grüße 🌍' } })
    expect(await read(id)).toMatchObject({ state: 'waiting', workflowId: flow.id, kind: 'n8n', answer: null })
    await work()
    const [call] = calls(flow)
    const headers = Object.fromEntries(call?.headers ?? [])
    expect(headers['webhook-id']).toBe(id)
    const verified = new Webhook(flow.secret).verify(new TextDecoder().decode(call?.raw), headers)
    expect(verified).toEqual({ type: 'try', text: 'Grüße 🌍' })
    const done = await read(id)
    expect(done).toMatchObject({
      state: 'succeeded',
      input: { type: 'try', text: 'Grüße 🌍' },
      answer: { row: 12, said: 'Grüße 🌍' },
      outcome: 'n8n answered 200.',
      tries: 1,
      nextTryAt: null,
    })
    expect(Date.parse(done.endedAt)).toBeGreaterThanOrEqual(Date.parse(done.createdAt))
    expect((await house.alice.api('GET', `/workflows/${flow.id}/runs`)).body.items).toEqual([done])
  })

  test('without an input carries a sample in the shape of the real event', async () => {
    const flow = await workflow()
    n8n.activate(flow.path)
    await run(flow)
    await work()
    expect(n8n.runs.at(-1)?.body).toMatchObject({
      type: 'publish_job.published',
      data: { sample: true, job: { state: 'published' }, content: { text: expect.any(String) } },
    })
  })

  test('the Code node we show lets our call through and stops a changed one', async () => {
    const flow = await workflow()
    n8n.activate(flow.path)
    const id = await run(flow)
    await work()
    const [call] = calls(flow)
    const node = (raw: Uint8Array) => {
      const Async = (async () => {}).constructor as new (
        ...code: string[]
      ) => (...given: unknown[]) => Promise<unknown>
      const code = new Async('$input', 'require', 'Buffer', verifySnippet(flow.secret))
      const $input = { first: () => ({ json: { headers: Object.fromEntries(call?.headers ?? []) } }) }
      const helpers = { getBinaryDataBuffer: async () => Buffer.from(raw) }
      return code.call({ helpers }, $input, require, Buffer)
    }
    const raw = call?.raw ?? new Uint8Array()
    expect(await node(raw)).toMatchObject([{ json: { id, type: 'publish_job.published' } }])
    const changed = Buffer.from(new TextDecoder().decode(raw).replace('published', 'cancelled'))
    await expect(node(changed)).rejects.toThrow('not from Masthead')
  })

  test('that meets 500 or silence is tried again after 5 s, 1 min, 10 min, 1 h, always under the same id', async () => {
    const flow = await workflow()
    n8n.activate(flow.path)
    const path = `POST /webhook/${flow.path}`
    n8n.faults.next(path, { is: 'status', status: 500, body: { message: 'Error in workflow' } }, 2)
    n8n.faults.next(path, { is: 'drop' }, 1)
    n8n.faults.next(path, { is: 'status', status: 503 }, 2)
    const id = await run(flow)
    let shifted = 0
    for (const seconds of [5, 60, 600, 3600]) {
      await work()
      const seen = await read(id)
      expect(seen).toMatchObject({ state: 'waiting', endedAt: null })
      expect(await inSeconds(seen.nextTryAt)).toBe(seconds)
      expect(await inside(house.alice, leastRunDue)).toEqual(new Date(seen.nextTryAt))
      expect(await work()).toEqual([])
      shifted += seconds * 1000
      await house.shiftClock(shifted)
    }
    await work()
    const failed = await read(id)
    expect(failed).toMatchObject({ state: 'failed', tries: 5, nextTryAt: null })
    expect(failed.outcome).toContain('Given up after 5 tries.')
    expect(new Set(calls(flow).map(call => call.headers.get('webhook-id')))).toEqual(new Set([id]))
    expect(calls(flow)).toHaveLength(5)
    expect(await inside(house.alice, leastRunDue)).toBeNull()
  })

  test('to a path nobody listens at fails at once, in words', async () => {
    const id = await run(await workflow())
    await work()
    const failed = await read(id)
    expect(failed).toMatchObject({ state: 'failed', tries: 1 })
    expect(failed.outcome).toContain('no active workflow at the webhook path')
    const closed = await workflow()
    n8n.activate(closed.path, { authentication: { type: 'header', name: 'x', value: 'y' } })
    const refused = await run(closed)
    await work()
    expect((await read(refused)).outcome).toContain('Set it to None')
  })

  test('whose worker dies between call and record is repeated under the same id; the late one records nothing', async () => {
    const flow = await workflow()
    n8n.activate(flow.path, { respond: { mode: 'lastNode', items: [{ n: 1 }] } })
    const id = await run(flow)
    const [first] = await claim()
    expect(await claim()).toEqual([])
    await house.shiftClock(31_000)
    const [second] = await claim()
    if (!first || !second) throw new Error('the run was not claimed twice')
    expect([first.id, second.id, second.tries]).toEqual([id, id, 2])
    await performRun(house.services, house.alice.tenant.id, first)
    expect((await read(id)).state).toBe('running')
    await performRun(house.services, house.alice.tenant.id, second)
    expect(await read(id)).toMatchObject({ state: 'succeeded', tries: 2 })
    expect(calls(flow).map(call => call.headers.get('webhook-id'))).toEqual([id, id])
  })

  test('is claimed by one worker, and the others do not wait for it', async () => {
    const flow = await workflow()
    const id = await run(flow)
    await inside(house.alice, async scope => {
      expect((await claimRuns(scope, 'first', 20)).map(claimed => claimed.id)).toEqual([id])
      expect(await claim()).toEqual([])
    })
    expect(await claim()).toEqual([])
  })

  test('that waits ends when its workflow is switched off', async () => {
    const flow = await workflow()
    const id = await run(flow)
    await house.alice.api('PATCH', `/workflows/${flow.id}`, { active: false })
    expect(await read(id)).toMatchObject({ state: 'failed', nextTryAt: null })
    expect(await work()).toEqual([])
  })

  test('of a workflow removed meanwhile harms nobody', async () => {
    const flow = await workflow()
    await run(flow)
    const [claimed] = await claim()
    await house.alice.api('DELETE', `/workflows/${flow.id}`)
    if (claimed) await performRun(house.services, house.alice.tenant.id, claimed)
    expect(calls(flow)).toHaveLength(0)
  })

  test('without N8N_URL fails with a sentence', async () => {
    const flow = await workflow()
    const id = await run(flow)
    const { config } = house.services
    const [claimed] = await claim()
    if (claimed)
      await performRun(
        { ...house.services, config: { ...config, n8nUrl: null } },
        house.alice.tenant.id,
        claimed,
      )
    const failed = await read(id)
    expect(failed.state).toBe('failed')
    expect(failed.outcome).toContain('N8N_URL')
  })

  test('refuses an input that is no object, or too large', async () => {
    const flow = await workflow()
    const post = (body: unknown) => house.alice.api('POST', `/workflows/${flow.id}/runs`, body)
    expect((await post({ input: [1] })).status).toBe(422)
    expect((await post({ input: { text: 'x'.repeat(300_000) } })).status).toBe(413)
    expect((await post({ inputs: {} })).body.errors).toEqual([
      { path: 'inputs', message: 'is not a field here' },
    ])
  })
})

describe('a published post', () => {
  /** A job that is out, as the publishing tables hold it. */
  async function publish(): Promise<string> {
    return inside(house.alice, async scope => {
      const { sql } = scope
      const [content, version, media, job] = [newId(), newId(), newId(), newId()]
      const [account] = await sql`select id from social_accounts where platform = 'feed'`
      await sql`
        insert into media (id, type, width, height, bytes, sha256, alt)
        values (${media}, 'image/png', 3, 2, 1, 'x', 'A cup')`
      await sql`insert into content (id, version_id, tags) values (${content}, ${version}, '{roast}')`
      await sql`
        insert into content_versions (id, content_id, number, text, media, variants)
        values (${version}, ${content}, 1, 'For everybody', ${[media]}::uuid[],
          ${sql.json([{ accountId: account?.id, text: 'For the feed' }])})`
      await sql`
        insert into publish_jobs (id, content_id, version_id, account_id, state, run_at, local, zone, remote_url, published_at)
        values (${job}, ${content}, ${version}, ${account?.id}, 'published', public.clock(), '2026-12-01T09:00', 'Europe/Berlin',
          'https://desk.example.com/feed/x', public.clock())`
      await sql`update tenant_due set next_due_at = null where role = ${scope.tenant.schema}`
      await record(scope, 'publish_job.published', job)
      return job
    })
  }

  test('starts every workflow that is on, in its own transaction, and the tenant is due', async () => {
    await inside(house.alice, scope => scope.sql`delete from workflows`)
    const [on, off] = [await workflow(), await workflow()]
    n8n.activate(on.path)
    await house.alice.api('PATCH', `/workflows/${off.id}`, { active: false })
    const job = await publish()
    const [due] = await inside(
      house.alice,
      scope =>
        scope.sql`select next_due_at <= public.clock() as due from tenant_due where role = ${scope.tenant.schema}`,
    )
    expect(due?.due).toBe(true)
    const runs = await work()
    expect(runs).toHaveLength(1)
    expect(n8n.runs.at(-1)?.body).toMatchObject({
      type: 'publish_job.published',
      data: {
        job: {
          id: job,
          state: 'published',
          remoteUrl: 'https://desk.example.com/feed/x',
          account: { handle: '/feed/northwind' },
        },
        content: { text: 'For the feed', tags: ['roast'], media: [{ alt: 'A cup', width: 3 }] },
      },
    })
    expect((await house.alice.api('GET', `/workflows/${off.id}/runs`)).body.items).toEqual([])
  })

  test('that the worker sends is told to n8n by the same worker, without anybody asking', async () => {
    await inside(house.alice, scope => scope.sql`delete from workflows`)
    const flow = await workflow()
    n8n.activate(flow.path)
    const worker = createWorker(house.services)
    try {
      const [feed] = (await house.alice.api('GET', '/accounts')).body.items
      const content = await house.alice.api('POST', '/content', { text: 'The autumn roast is back.' })
      const planned = await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
        accounts: [feed.id],
        now: true,
      })
      await worker.idle()
      const [call] = calls(flow)
      const headers = Object.fromEntries(call?.headers ?? [])
      const told = new Webhook(flow.secret).verify(new TextDecoder().decode(call?.raw), headers)
      expect(told).toMatchObject({
        data: {
          job: { id: planned.body.items[0].id, state: 'published' },
          content: { text: 'The autumn roast is back.' },
        },
      })
      expect(await inside(house.alice, leastRunDue)).toBeNull()
    } finally {
      await worker.stop(5_000)
    }
  })
})

describe('the pages', () => {
  test('empty: what n8n is good for and how the node is set', async () => {
    const { html, status } = await house.dan.page('GET', '/w/southpaw/workflows')
    expect(status).toBe(200)
    for (const words of ['No workflow yet', 'HTTP Method', 'POST', 'Raw Body']) expect(html).toContain(words)
  })

  test('making one shows its secret once, with a check to paste', async () => {
    const made = await house.alice.page('POST', '/w/northwind/workflows', {
      name: '<b>Chat</b>',
      path: 'chat',
    })
    expect(made.status).toBe(201)
    const secret = /value="(whsec_[^"]+)"/.exec(made.html)?.[1]
    expect(secret).toBeString()
    expect(made.html).toContain('timingSafeEqual')
    expect(made.html).toContain('&lt;b&gt;Chat')
    expect((await house.alice.page('GET', '/w/northwind/workflows')).html).not.toContain('whsec_A')
    expect((await house.alice.page('GET', '/w/northwind/workflows')).html).not.toContain(secret ?? '?')
  })

  test('a rejected form comes back filled in', async () => {
    const { status, html } = await house.alice.page('POST', '/w/northwind/workflows', {
      name: 'Kept',
      path: 'https://n8n.example/webhook/x',
    })
    expect(status).toBe(422)
    expect(html).toContain('value="Kept"')
    expect(html).toContain('not the whole address')
  })

  test('run now leads to the run, which asks again until it ends', async () => {
    const flow = await workflow()
    n8n.activate(flow.path, { respond: { mode: 'lastNode', items: [{ said: '<script>' }] } })
    const sent = await house.alice.page('POST', `/w/northwind/workflows/${flow.id}/runs`, {})
    expect(sent.status).toBe(303)
    const waiting = await house.alice.page('GET', sent.location)
    const poll = /hx-get="([^"]+)"/.exec(waiting.html)?.[1] ?? ''
    expect((await house.alice.page('GET', poll)).status).toBe(204)
    await work()
    const after = await house.alice.page('GET', poll)
    expect(after.status).toBe(200)
    expect(after.html).toContain('Succeeded')
    expect(after.html).toContain('&lt;script&gt;')
    expect(after.html).not.toContain('hx-get')
    const page = await house.alice.page('GET', `/w/northwind/workflows/${flow.id}`)
    expect(page.html).toContain('n8n answered 200.')
  })

  test('off and on again, renamed, removed', async () => {
    const flow = await workflow()
    const at = `/w/northwind/workflows/${flow.id}`
    const send = (path: string, form: Record<string, string>) => house.alice.page('POST', at + path, form)
    expect((await send('/active', { active: 'false' })).status).toBe(303)
    expect((await house.alice.api('GET', `/workflows/${flow.id}`)).body.active).toBe(false)
    await send('/active', { active: 'true' })
    await send('', { name: 'Renamed', path: 'other' })
    expect((await house.alice.api('GET', `/workflows/${flow.id}`)).body).toMatchObject({
      active: true,
      name: 'Renamed',
      path: 'other',
    })
    expect((await send('/removal', {})).status).toBe(303)
    expect((await house.alice.page('GET', at)).status).toBe(404)
  })
})
