/** The outbound client: what it refuses to call, that it calls what it checked, and that no peer can hold it up. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { isPublicAddress } from '../src/lib/addresses.ts'
import { createOutbound, OutboundError, type OutboundInit, type OutboundOptions } from '../src/lib/fetch.ts'

const servers: { stop(): unknown }[] = []
afterAll(() => Promise.all(servers.map(server => server.stop())))

/** A peer that treats each connection as it likes; counts them. */
async function raw(serve: (socket: Socket, request: string) => void, onConnect?: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const seen: string[] = []
  const server: Server = createServer(socket => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    onConnect?.(socket)
    socket.on('data', data => {
      seen.push(data.toString('latin1'))
      serve(socket, data.toString('latin1'))
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  servers.push({
    stop: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  })
  const address = server.address()
  if (typeof address !== 'object' || !address) throw new Error('no address')
  return { host: `127.0.0.1:${address.port}`, port: address.port, seen, open: sockets }
}

const reply = (body: string | Uint8Array, headers = '') =>
  Buffer.concat([
    Buffer.from(`HTTP/1.1 200 OK\r\n${headers}content-length: ${Buffer.byteLength(body)}\r\n\r\n`),
    Buffer.from(body),
  ])

async function failure(
  url: string,
  init?: OutboundInit,
  options: OutboundOptions = { allow: [] },
): Promise<OutboundError> {
  const error = await createOutbound(options)(url, init).then(
    () => null,
    reason => reason,
  )
  expect(error).toBeInstanceOf(OutboundError)
  return error
}

const to =
  (...addresses: string[]) =>
  async () =>
    addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }))

describe('addresses', () => {
  const inside =
    `127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.1.2.3 100.64.0.1 100.127.255.255 169.254.169.254 172.16.0.1 172.31.255.255
    192.0.0.8 192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.1.1.1 240.0.0.1
    255.255.255.255 168.63.129.16 :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1 0:0:0:0:0:ffff:10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1
    64:ff9b::a9fe:a9fe 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:db8::1 2002:7f00:1:: 2002:808:808::1
    3fff::1 5f00::1 fc00::1 fd12::1 fe80::1 fec0::1 ff02::1 fe80::1%eth0 2606:4700::1%1`.split(/\s+/)
  const outside =
    `8.8.8.8 1.1.1.1 100.63.255.255 100.128.0.1 172.15.255.255 172.32.0.1 192.0.1.1 223.255.255.255 2606:4700:4700::1111
    2a00:1450:4001:830::200e ::ffff:8.8.8.8 64:ff9b::808:808`.split(/\s+/)
  const garbage = [
    '',
    'localhost',
    '127.1',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '1.2.3.4.5',
    '256.1.1.1',
    '1:2',
    ':::1',
    '2001:4860::1::2',
    '2606:4700:0:0:0:0:0:0:1',
  ]
  test.each(inside)('%s is inside', address => expect(isPublicAddress(address)).toBe(false))
  test.each(outside)('%s is outside', address => expect(isPublicAddress(address)).toBe(true))
  test.each(garbage)('%p is refused because it is not understood', address =>
    expect(isPublicAddress(address)).toBe(false),
  )
})

describe('what is never called', () => {
  const spellings = [
    '127.0.0.1',
    'localhost',
    'localhost.',
    '0x7f000001',
    '2130706433',
    '127.1',
    '0177.0.0.1',
    '0',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[64:ff9b::7f00:1]',
    '[2002:7f00:1::]',
    '１２７.0.0.1',
    '127.0.0.1.',
    '169.254.169.254',
    '0.0.0.0',
    '10.0.0.1',
    '[fd00::1]',
    '[fe80::1]',
  ]
  test.each(spellings)('https://%s/', async host => {
    const error = await failure(`https://${host}/secret?token=1`)
    expect(error).toMatchObject({ kind: 'address', sent: false })
    expect(error.message).not.toContain('secret')
  })

  test('the real server behind a loopback name sees no connection', async () => {
    const peer = await raw(socket => socket.end(reply('inside')))
    const error = await failure(
      `http://inside.example:${peer.port}/`,
      { plain: true },
      { allow: [], resolve: to('127.0.0.1') },
    )
    expect(error.kind).toBe('address')
    expect(peer.seen).toEqual([])
  })

  test.each([
    ['one inside address among outside ones', to('8.8.8.8', '10.0.0.1'), 'address'],
    ['a mapped inside address', to('::ffff:192.168.0.1'), 'address'],
    ['an address with a zone', to('fe80::1%lo'), 'address'],
    ['no address at all', to(), 'dns'],
    ['a resolver that fails', () => Promise.reject(new Error('SERVFAIL')), 'dns'],
  ])('a name with %s', async (_name, resolve, kind) => {
    expect(await failure('https://name.example/', {}, { allow: [], resolve })).toMatchObject({
      kind,
      sent: false,
    })
  })

  test.each([
    'ftp://example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'not an address',
    'https://user:pass@example.com/',
    'https://example.com:8443/',
    'https://example.com:22/',
    'http://example.com/',
    'http://example.com:80/',
  ])('%s', async url => {
    const error = await failure(url, {}, { allow: [], resolve: to('8.8.8.8') })
    expect(error).toMatchObject({ kind: 'address', sent: false })
    expect(error.message).not.toContain('pass@')
  })

  test('an exemption is one host and one port, as written', async () => {
    const peer = await raw(socket => socket.end(reply('hello')))
    const answer = await createOutbound({ allow: [peer.host] })(`http://${peer.host}/`)
    expect(answer.text()).toBe('hello')
    expect((await failure(`http://localhost:${peer.port}/`, {}, { allow: [peer.host] })).kind).toBe('address')
    expect((await failure(`http://127.0.0.1:${peer.port + 1}/`, {}, { allow: [peer.host] })).kind).toBe(
      'address',
    )
    expect(() => createOutbound({ allow: ['127.0.0.1'] })).toThrow('host:port')
  })
})

describe('the call', () => {
  test('goes to the address that was checked, even when the name would lead elsewhere a moment later', async () => {
    const peer = await raw(socket => socket.end(reply('checked')))
    const answers = [to('127.0.0.1'), to('127.0.0.99')]
    let asked = 0
    const resolve = () => (answers[asked++] ?? to())()
    const answer = await createOutbound({ allow: [`rebind.example:${peer.port}`], resolve })(
      `http://rebind.example:${peer.port}/a?b=c`,
    )
    expect(answer.text()).toBe('checked')
    expect(asked).toBe(1)
    expect(peer.seen[0]).toStartWith('GET /a?b=c HTTP/1.1\r\n')
    expect(peer.seen[0]?.toLowerCase()).toContain(`host: rebind.example:${peer.port}\r\n`)
  })

  test('does not follow a redirect', async () => {
    const target = await raw(socket => socket.end(reply('inside')))
    const peer = await raw(socket =>
      socket.end(`HTTP/1.1 302 Found\r\nlocation: http://${target.host}/\r\ncontent-length: 0\r\n\r\n`),
    )
    const answer = await createOutbound({ allow: [peer.host, target.host] })(`http://${peer.host}/`)
    expect(answer.status).toBe(302)
    expect(target.seen).toEqual([])
  })

  test('sends text, bytes and forms with their length, and no header of its own can be forged', async () => {
    const got: string[] = []
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      async fetch(request) {
        const body = request.headers.get('content-type')?.startsWith('multipart/')
          ? [...(await request.formData()).entries()]
              .map(
                ([name, value]) =>
                  `${name}=${typeof value === 'string' ? value : `${value.name}:${value.size}`}`,
              )
              .join('&')
          : await request.text()
        got.push(`${request.method} ${request.headers.get('host')} ${body}`)
        return Response.json({ ok: true })
      },
    })
    servers.push({ stop: () => server.stop(true) })
    const call = createOutbound({ allow: [`127.0.0.1:${server.port}`] })
    const url = `http://127.0.0.1:${server.port}/`
    const form = new FormData()
    form.append('file', new Blob([new Uint8Array(10)]), 'a.jpg')
    form.append('description', 'ä')
    expect(
      (
        await call(url, {
          body: 'text ä',
          headers: { Host: 'evil.example', 'Content-Length': '1', 'Transfer-Encoding': 'chunked' },
        })
      ).json(),
    ).toEqual({ ok: true })
    await call(url, { method: 'PUT', body: new Uint8Array([104, 105]) })
    await call(url, { body: form })
    const host = `127.0.0.1:${server.port}`
    expect(got).toEqual([`POST ${host} text ä`, `PUT ${host} hi`, `POST ${host} file=a.jpg:10&description=ä`])
  })
})

describe('peers that misbehave', () => {
  const quick = { timeoutMs: 300, connectMs: 200 }
  const cases: [string, Parameters<typeof raw>[0], string, number | null][] = [
    ['never answers', () => undefined, 'timeout', null],
    [
      'one byte at a time',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n')
        const drip = setInterval(() => socket.write('x'), 20)
        socket.on('close', () => clearInterval(drip))
      },
      'timeout',
      200,
    ],
    [
      'endless headers',
      socket => {
        socket.write('HTTP/1.1 200 OK\r\n')
        const drip = setInterval(() => socket.write('x-more: 1\r\n'), 20)
        socket.on('close', () => clearInterval(drip))
      },
      'timeout',
      null,
    ],
    ['drops the request', socket => socket.destroy(), 'reset', null],
    [
      'cuts its answer',
      socket => {
        socket.write('HTTP/1.1 201 Created\r\ncontent-length: 100\r\n\r\nhalf', () => socket.destroy())
      },
      'reset',
      201,
    ],
    ['speaks no HTTP', socket => socket.end('SSH-2.0-OpenSSH\r\n\r\n'), 'reset', null],
    [
      'announces too much',
      socket => socket.write(`HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n${'x'.repeat(2_000_000)}`),
      'too_large',
      200,
    ],
    [
      'streams too much',
      socket => {
        const chunk = 'x'.repeat(65536)
        socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n')
        const more = () => {
          while (!socket.destroyed && socket.write(`10000\r\n${chunk}\r\n`));
        }
        socket.on('drain', more)
        more()
      },
      'too_large',
      200,
    ],
    [
      'sends a packed bomb',
      socket => socket.end(reply(gzipSync(Buffer.alloc(50_000_000)), 'content-encoding: gzip\r\n')),
      'too_large',
      200,
    ],
    [
      'sends broken gzip',
      socket => socket.end(reply('not gzip', 'content-encoding: gzip\r\n')),
      'reset',
      200,
    ],
  ]
  test.each(cases)('%s', async (_name, serve, kind, status) => {
    const peer = await raw(serve)
    const began = performance.now()
    const error = await failure(
      `http://${peer.host}/`,
      { ...quick, method: 'POST', body: 'x' },
      { allow: [peer.host] },
    )
    expect(error).toMatchObject({ kind, status, sent: true })
    expect(performance.now() - began).toBeLessThan(2000)
    // One connection, one request: nothing is sent a second time behind the caller's back.
    expect(peer.seen.filter(data => data.startsWith('POST')).length).toBe(1)
  })

  test('a packed answer within the limit is unpacked', async () => {
    const peer = await raw(socket => socket.end(reply(gzipSync('{"a":1}'), 'content-encoding: gzip\r\n')))
    expect((await createOutbound({ allow: [peer.host] })(`http://${peer.host}/`)).json()).toEqual({ a: 1 })
  })

  test('nobody listens: certainly not sent', async () => {
    const error = await failure('http://127.0.0.1:1/', {}, { allow: ['127.0.0.1:1'] })
    expect(error).toMatchObject({ kind: 'connect', sent: false })
  })

  test('a name that takes too long to look up: certainly not sent', async () => {
    const resolve = () => new Promise<never>(() => undefined)
    expect(await failure('https://slow.example/', quick, { allow: [], resolve })).toMatchObject({
      kind: 'dns',
      sent: false,
    })
  })

  test('TLS that never begins: certainly not sent', async () => {
    const peer = await raw(() => undefined)
    expect(
      await failure(`https://${peer.host}/`, { ...quick, timeoutMs: 5_000 }, { allow: [peer.host] }),
    ).toMatchObject({
      kind: 'connect',
      sent: false,
    })
  })

  test('an https address that speaks plain HTTP: certainly not sent', async () => {
    const peer = await raw(socket => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'))
    const error = await failure(`https://${peer.host}/`, quick, { allow: [peer.host] })
    expect(error).toMatchObject({ kind: 'tls', sent: false })
    expect(error.message).toStartWith('127.0.0.1 does not offer an encrypted connection of today (')
  })

  test('called off before and during', async () => {
    const peer = await raw(() => undefined)
    const url = `http://${peer.host}/`
    expect(await failure(url, { signal: AbortSignal.abort() }, { allow: [peer.host] })).toMatchObject({
      kind: 'aborted',
      sent: false,
    })
    const stop = new AbortController()
    const call = failure(url, { signal: stop.signal }, { allow: [peer.host] })
    while (peer.seen.length === 0) await Bun.sleep(5)
    stop.abort()
    expect(await call).toMatchObject({ kind: 'aborted', sent: true })
  })
})

describe.skipIf(!Bun.which('openssl'))('certificates (needs openssl)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'masthead-tls-'))
  const path = (name: string) => join(folder, name)
  let port = 0
  let bodies = 0
  let ca = ''
  beforeAll(() => {
    const subject = ['-subj', '/CN=right.example', '-addext', 'subjectAltName=DNS:right.example']
    const made = Bun.spawnSync([
      'openssl',
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-keyout',
      path('key'),
      '-out',
      path('cert'),
      ...subject,
    ])
    expect(made.exitCode).toBe(0)
    ca = readFileSync(path('cert'), 'utf8')
    const tls = { key: readFileSync(path('key'), 'utf8'), cert: ca }
    const server = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      tls,
      fetch: () => new Response(`call ${++bodies}`),
    })
    port = server.port ?? 0
    servers.push({ stop: () => server.stop(true) })
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const options = (name: string, authority?: string): OutboundOptions => ({
    allow: [`${name}:${port}`],
    resolve: to('127.0.0.1'),
    ...(authority ? { ca: authority } : {}),
  })
  test('a wrong name or an unknown signer is refused before anything is sent; the right one is called', async () => {
    expect(
      await failure(`https://wrong.example:${port}/`, { body: 'x' }, options('wrong.example', ca)),
    ).toMatchObject({
      kind: 'tls',
      sent: false,
      message: expect.stringContaining('The certificate of wrong.example was not accepted'),
    })
    expect(
      await failure(`https://right.example:${port}/`, { body: 'x' }, options('right.example')),
    ).toMatchObject({ kind: 'tls', sent: false })
    const answer = await createOutbound(options('right.example', ca))(`https://right.example:${port}/`, {
      body: 'x',
    })
    expect(answer.text()).toBe('call 1')
  })
})
