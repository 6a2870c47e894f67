import { afterAll, describe, expect, test } from 'bun:test'
import net from 'node:net'
import { Webhook } from 'standardwebhooks'
import {
  callWebhook,
  signatureHeaders,
  type WebhookCall,
  WebhookPathRefused,
  webhookAddress,
} from '../../src/integrations/n8n.ts'
import { keptTextBytes, maxAnswerBytes } from '../../src/integrations/n8n-answer.ts'
import { type N8n, startN8n } from '../peers/n8n.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const stops: (() => unknown)[] = []
afterAll(() => Promise.all(stops.map(stop => stop())))

/** The n8n of the tests, see test/peers. */
async function theN8n(): Promise<N8n> {
  const n8n = await startN8n()
  stops.push(n8n.stop)
  return n8n
}

/** An answer that no flow gives by itself. */
function n8nThat(answers: (request: Request) => Response | Promise<Response>): URL {
  const server = Bun.serve({ port: 0, hostname: '127.0.0.1', fetch: answers })
  stops.push(() => server.stop(true))
  return new URL(server.url)
}

/** A server below HTTP, for what no web server does on purpose. */
async function socketThat(meets: (socket: net.Socket) => void): Promise<URL> {
  const server = net.createServer(socket => {
    socket.on('error', () => {})
    socket.once('data', () => meets(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  stops.push(() => server.close())
  return new URL(`http://127.0.0.1:${(server.address() as net.AddressInfo).port}/`)
}

const call = (base: URL, more: Partial<WebhookCall> = {}) =>
  callWebhook({
    base,
    path: 'posts/out',
    body: { type: 'publish_job.published', text: 'Grüße 🌍' },
    secret,
    id: 'msg_1',
    now: new Date(),
    timeoutMs: 2000,
    ...more,
  })

describe('the call', () => {
  test('is a POST of JSON that a Standard Webhooks receiver accepts', async () => {
    const n8n = await theN8n()
    n8n.activate('posts/out')
    const answer = await call(new URL(n8n.url))
    expect(answer).toEqual({ is: 'answered', status: 200, body: { message: 'Workflow was started' } })
    const [run] = n8n.runs
    if (!run) throw new Error('no workflow ran')
    const payload = new TextDecoder().decode(run.raw)
    expect(new Webhook(secret).verify(payload, Object.fromEntries(run.headers))).toEqual(run.body)
    expect(run.body).toEqual({ type: 'publish_job.published', text: 'Grüße 🌍' })
    expect(run.headers.get('webhook-id')).toBe('msg_1')
  })

  test('is signed as the example of the specification', () => {
    const headers = signatureHeaders(
      'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
      'msg_p5jXN8AQM9LWM0D4loKWxJek',
      new Date(1614265330_000),
      '{"test": 2432232314}',
    )
    expect(headers['webhook-signature']).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  test('refuses secrets that are none', async () => {
    for (const bad of ['', 'whsec_', 'whsec_c2hvcnQ=', secret.slice(6), `${secret}!`]) {
      await expect(call(new URL('http://127.0.0.1:9/'), { secret: bad })).rejects.toThrow('whsec_')
    }
  })
})

describe('the path', () => {
  test('stays below /webhook/ of the operator’s address, and keeps a path of its own', () => {
    const base = new URL('https://flows.example.com/n8n/?x=1#y')
    expect(webhookAddress(base, '/a/b-c_d.e~f').href).toBe(
      'https://flows.example.com/n8n/webhook/a/b-c_d.e~f',
    )
    expect(webhookAddress(new URL('http://n8n:5678'), 'a').href).toBe('http://n8n:5678/webhook/a')
  })

  test('never leaves it', () => {
    const hostile = [
      '',
      '/',
      '.',
      '..',
      '../rest/users',
      'a/../../rest',
      'a/./b',
      'a//b',
      '//evil.example/x',
      'a/',
    ]
    hostile.push(
      'https://evil.example/x',
      'http:evil.example',
      'javascript:alert(1)',
      '\\\\evil.example',
      'a\\..\\b',
    )
    hostile.push(
      '%2e%2e/rest',
      'a%2f..',
      'a?b',
      'a#b',
      'a@evil.example',
      'a b',
      'a\nb',
      'a\0',
      'ä',
      `${'a'.repeat(201)}`,
    )
    for (const path of hostile) {
      expect(() => webhookAddress(new URL('http://n8n:5678/'), path), path).toThrow(WebhookPathRefused)
    }
  })
})

describe('what n8n says', () => {
  const said = async (status: number, body: unknown) => {
    const n8n = await theN8n()
    n8n.activate('posts/out', { respond: { mode: 'responseNode', status, body } })
    return call(new URL(n8n.url))
  }

  test('404 of an inactive workflow, and of a wrong method', async () => {
    const n8n = await theN8n()
    expect(await call(new URL(n8n.url))).toEqual({
      is: 'not_registered',
      message: expect.stringContaining('no active workflow at the webhook path “posts/out”'),
    })
    n8n.activate('posts/out', { method: 'GET' })
    expect(await call(new URL(n8n.url))).toEqual({
      is: 'not_registered',
      message: expect.stringContaining('HTTP method to POST'),
    })
    expect(n8n.runs).toEqual([])
  })

  test('authentication on the node', async () => {
    const n8n = await theN8n()
    for (const type of ['basic', 'header'] as const) {
      const authentication =
        type === 'basic' ? { type, user: 'a', password: 'b' } : { type, name: 'x-key', value: 'c' }
      n8n.activate('posts/out', { authentication })
      const answer = await call(new URL(n8n.url))
      expect(answer).toMatchObject({ is: 'failed', message: expect.stringContaining('authentication') })
    }
  })

  test('the last node’s items, and a workflow that fails', async () => {
    const n8n = await theN8n()
    n8n.activate('posts/out', { respond: { mode: 'lastNode', entries: 'all', items: [{ a: 1 }, { b: [] }] } })
    expect(await call(new URL(n8n.url))).toMatchObject({ is: 'answered', body: [{ a: 1 }, { b: [] }] })
    n8n.activate('posts/out', { respond: { mode: 'lastNode', fails: true } })
    expect(await call(new URL(n8n.url))).toEqual({
      is: 'failed',
      status: 500,
      message: expect.stringMatching(/Open its executions.*“Error in workflow”/),
    })
  })

  test('a 404 that the flow itself answered is a failure', async () => {
    expect(await said(404, { message: 'no such customer' })).toMatchObject({ is: 'failed', status: 404 })
  })

  test('errors come with what to do', async () => {
    const expected: [number, string][] = [
      [401, 'authentication'],
      [403, 'authentication'],
      [413, 'too large'],
      [500, 'Error in workflow'],
      [503, 'starting'],
      [418, '418'],
    ]
    for (const [status, words] of expected) {
      const answer = await said(status, { message: 'Error in workflow' })
      expect(answer).toEqual({ is: 'failed', status, message: expect.stringContaining(words) })
    }
  })

  test('a redirect is not followed', async () => {
    let followed = 0
    const other = n8nThat(() => {
      followed += 1
      return new Response('inside')
    })
    const answer = await call(n8nThat(() => Response.redirect(other.href, 307)))
    expect(answer).toMatchObject({ is: 'failed', status: 307, message: expect.stringContaining('N8N_URL') })
    expect(followed).toBe(0)
  })
})

describe('the answer’s body', () => {
  const body = async (sent: string | null) => {
    const answer = await call(n8nThat(() => new Response(sent)))
    if (answer.is !== 'answered') throw new Error(JSON.stringify(answer))
    return answer.body
  }

  test('JSON of any kind, text, or nothing', async () => {
    expect(await body('[1,null,{"a":"b"}]')).toEqual([1, null, { a: 'b' }])
    expect(await body('false')).toBe(false)
    expect(await body('OK, thanks')).toBe('OK, thanks')
    expect(await body(null)).toBe('')
  })

  test('long text is kept to 4 KiB, without half a character', async () => {
    const kept = await body(`a${'ä'.repeat(4000)}`)
    expect(kept).toBe(`a${'ä'.repeat((keptTextBytes - 2) / 2)}`)
  })

  test('JSON that is too deep, or more than 1 MiB, is kept as text', async () => {
    expect(await body('['.repeat(400_000) + ']'.repeat(400_000))).toBe('['.repeat(keptTextBytes))
    expect(await body(`"${'x'.repeat(maxAnswerBytes)}"`)).toBe(`"${'x'.repeat(keptTextBytes - 1)}`)
  })

  test('an answer without end is left after 1 MiB', async () => {
    let given = 0
    const endless = () =>
      new ReadableStream({
        pull(stream) {
          given += 65_536
          stream.enqueue(new Uint8Array(65_536).fill(120))
        },
      })
    expect(await call(n8nThat(() => new Response(endless())))).toMatchObject({ is: 'answered', status: 200 })
    expect(given).toBeLessThan(64 * maxAnswerBytes)
  })

  test('a packed answer is not unpacked', async () => {
    const packed = Bun.gzipSync('x'.repeat(8 * maxAnswerBytes))
    const answer = await call(
      n8nThat(() => new Response(packed, { headers: { 'content-encoding': 'gzip' } })),
    )
    expect(answer.is === 'answered' && String(answer.body)).not.toContain('x'.repeat(99))
    expect(answer.is === 'answered' && String(answer.body).length).toBeLessThanOrEqual(keptTextBytes)
  })

  test('holds nothing that PostgreSQL cannot keep', async () => {
    expect(await body('{"a\\u0000":["\\ud800x","\\u0000"]}')).toEqual({ 'a\ufffd': ['\ufffdx', '\ufffd'] })
    expect(await body('a\0b')).toBe('a\ufffdb')
  })

  test('keeps a key called __proto__ as a plain key', async () => {
    const answer = await body('{"__proto__":{"admin":true}}')
    expect(Object.keys(answer as object)).toEqual(['__proto__'])
    expect((answer as { admin?: unknown }).admin).toBeUndefined()
  })
})

describe('out of reach', () => {
  test('nobody listens, or the name is unknown: not sent', async () => {
    expect(await call(new URL('http://127.0.0.1:9/'))).toMatchObject({
      is: 'unreachable',
      sent: false,
      message: expect.stringContaining('127.0.0.1:9'),
    })
    expect(await call(new URL('http://n8n.invalid:5678/'))).toMatchObject({ is: 'unreachable', sent: false })
  })

  test('silent: perhaps sent', async () => {
    const silent = await socketThat(() => {})
    const answer = await call(silent, { timeoutMs: 150 })
    expect(answer).toEqual({ is: 'unreachable', sent: true, message: expect.stringContaining('0.15 s') })
  })

  test('breaks off before the answer: perhaps sent, and asked exactly once', async () => {
    let asked = 0
    const rude = await socketThat(socket => {
      asked += 1
      socket.destroy()
    })
    expect(await call(rude)).toMatchObject({ is: 'unreachable', sent: true })
    expect(asked).toBe(1)
  })

  test('200 and then nothing: told apart from no answer', async () => {
    const stuck = await socketThat(socket =>
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\nhalf'),
    )
    expect(await call(stuck, { timeoutMs: 200 })).toEqual({
      is: 'unreachable',
      sent: true,
      message: expect.stringContaining('began to answer (200)'),
    })
  })

  test('a call does not ride on a connection of the call before', async () => {
    const ports = new Set<number | undefined>()
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      fetch(request, self) {
        ports.add(self.requestIP(request)?.port)
        return new Response('ok')
      },
    })
    stops.push(() => server.stop(true))
    await call(new URL(server.url))
    await call(new URL(server.url))
    expect(ports.size).toBe(2)
  })
})
