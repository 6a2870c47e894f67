/** Our n8n answers a webhook as the Webhook node does, and keeps what a flow would need to verify a signature. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import { Webhook } from 'standardwebhooks'
import { type N8n, startN8n } from './n8n.ts'

let n8n: N8n
beforeAll(async () => {
  n8n = await startN8n()
})
afterAll(() => n8n.stop())

const call = (path: string, init: RequestInit = {}) =>
  fetch(`${n8n.url}/webhook/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"a":1}',
    ...init,
  })
const answer = async (response: Promise<Response>) => {
  const { status, ...rest } = await response.then(async r => ({ status: r.status, body: await r.text() }))
  return [status, rest.body ? JSON.parse(rest.body) : null]
}

test('onReceived answers at once, before the flow has done anything', async () => {
  n8n.activate('published')
  expect(await answer(call('published'))).toEqual([200, { message: 'Workflow was started' }])
  expect(n8n.runs.at(-1)).toMatchObject({ path: 'published', body: { a: 1 }, status: 'success' })
})

test('a path nobody activated is 404 with a hint, and so is the wrong method', async () => {
  const [status, body] = await answer(call('nowhere'))
  expect([status, body.message]).toEqual([404, 'The requested webhook "POST nowhere" is not registered.'])
  n8n.activate('by-get', { method: 'GET' })
  const [, wrong] = await answer(call('by-get'))
  expect(wrong.message).toBe(
    'This webhook is not registered for POST requests. Did you mean to make a GET request?',
  )
  n8n.deactivate('by-get')
  expect((await call('by-get', { method: 'GET', body: null })).status).toBe(404)
})

test('lastNode and responseNode answer with data, or 500 when the flow fails', async () => {
  n8n.activate('last', { respond: { mode: 'lastNode', items: [{ ok: true }, { ok: false }] } })
  expect(await answer(call('last'))).toEqual([200, { ok: true }])
  n8n.activate('last', { respond: { mode: 'lastNode', items: [1, 2], entries: 'all' } })
  expect(await answer(call('last'))).toEqual([200, [1, 2]])
  n8n.activate('last', { respond: { mode: 'lastNode', fails: true } })
  expect(await answer(call('last'))).toEqual([500, { message: 'Error in workflow' }])
  expect(n8n.runs.at(-1)?.status).toBe('error')
  n8n.activate('node', { respond: { mode: 'responseNode', status: 202, body: { decision: 'approve' } } })
  expect(await answer(call('node'))).toEqual([202, { decision: 'approve' }])
})

test('header and basic authentication refuse before a run starts', async () => {
  n8n.activate('locked', { authentication: { type: 'header', name: 'x-key', value: 'right' } })
  const before = n8n.runs.length
  expect((await call('locked', { headers: { 'x-key': 'wrong' } })).status).toBe(403)
  n8n.activate('basic', { authentication: { type: 'basic', user: 'a', password: 'b' } })
  expect((await call('basic')).status).toBe(401)
  expect(n8n.runs.length).toBe(before)
  expect((await call('locked', { headers: { 'x-key': 'right' } })).status).toBe(200)
})

test('the raw body is kept byte for byte, so a signature can be verified', async () => {
  n8n.activate('signed')
  const webhook = new Webhook(Buffer.from('0123456789abcdef0123456789abcdef').toString('base64'))
  const body = '{ "text" : "é\\u00e9" }'
  const at = new Date()
  const headers = {
    'content-type': 'application/json',
    'webhook-id': 'msg_1',
    'webhook-timestamp': `${Math.floor(at.getTime() / 1000)}`,
    'webhook-signature': webhook.sign('msg_1', at, body),
  }
  await call('signed', { body, headers })
  const run = n8n.runs.at(-1)
  const received = Object.fromEntries(run?.headers ?? [])
  expect(webhook.verify(Buffer.from(run?.raw ?? []), received)).toEqual({ text: 'éé' })
  expect(() => webhook.verify(`${body} `, received)).toThrow()
})

test('a hanging flow, and one whose answer is lost after it ran', async () => {
  n8n.activate('hang')
  n8n.faults.next('POST /webhook/hang', { is: 'hang' })
  await expect(call('hang', { signal: AbortSignal.timeout(80) })).rejects.toThrow()
  expect(n8n.runs.filter(({ path }) => path === 'hang')).toHaveLength(0)
  n8n.faults.next('POST /webhook/hang', { is: 'drop', when: 'after' })
  await expect(call('hang')).rejects.toThrow()
  expect(n8n.runs.filter(({ path }) => path === 'hang')).toHaveLength(1)
})
