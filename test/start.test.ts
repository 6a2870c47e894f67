import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stopEmbedded } from '../src/db/embedded.ts'
import { createLog } from '../src/lib/log.ts'

setDefaultTimeout(120_000)

const quiet = createLog({ level: 'silent', json: false })
const owner = { email: 'ines@northwind.example', password: 'a quiet desk by the window' }
let folder: string
const children = new Set<Bun.Subprocess>()

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'masthead-start-'))
  chmodSync(folder, 0o755)
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await Promise.all([...children].map(child => child.exited))
  await stopEmbedded(folder, quiet)
  rmSync(folder, { recursive: true, force: true })
})

interface Program {
  child: Bun.Subprocess
  /** Resolves with stdout's first line, or with everything when the program ends first. */
  line: Promise<string>
  ended: Promise<{ code: number; out: string; err: string }>
}

/** Runs the app as a person would, with nothing of this process's environment but where programs are. */
function run(environment: Record<string, string> = {}): Program {
  const child = Bun.spawn([process.execPath, 'src/main.ts'], {
    cwd: join(import.meta.dir, '..'),
    env: {
      PATH: process.env.PATH ?? '',
      HOME: process.env.HOME ?? '',
      DATA_DIR: folder,
      PORT: '0',
      LOG_LEVEL: 'warn',
      ...environment,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  children.add(child)
  let out = ''
  const first = Promise.withResolvers<string>()
  const reading = (async () => {
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream() as never)) {
      out += part
      if (out.includes('\n')) first.resolve(out.split('\n')[0] ?? '')
    }
    first.resolve(out)
  })()
  const errors = new Response(child.stderr).text()
  const ended = (async () => {
    const code = await child.exited
    await reading
    children.delete(child)
    return { code, out, err: await errors }
  })()
  return { child, line: first.promise, ended }
}
const addressIn = (line: string) => /http:\/\/[^ ]+/.exec(line)?.[0] ?? ''
const signIn = (address: string) =>
  fetch(`${address}/api/v1/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ workspace: 'northwind', ...owner }),
  })
/** One sentence for a person: no stack, no code, one line. */
function expectSentence(err: string): void {
  expect(err.trim().split('\n')).toHaveLength(1)
  expect(err).toMatch(/^[A-Z].*\.\n$/s)
  expect(err).not.toMatch(/\bat .*\.ts:|Error:|undefined/)
}

describe('bun run start', () => {
  let unreachable: Program
  let address: string

  beforeAll(() => {
    // It waits 20 s for a database that may be starting too: meanwhile the other tests run.
    unreachable = run({ DATABASE_URL: 'postgres://masthead:secret-word@127.0.0.1:1/masthead' })
  })

  test('the first start prints one line with the address and the set-up code, and serves', async () => {
    const app = run()
    const line = await app.line
    expect(line).toMatch(/^Masthead is ready at http:\/\/127\.0\.0\.1:\d+ .* code \d{8}$/)
    address = addressIn(line)
    expect((await fetch(`${address}/healthz`)).status).toBe(200)
    expect((await fetch(`${address}/readyz`)).status).toBe(200)
    const form = {
      code: line.slice(-8),
      name: 'Northwind',
      zone: 'Europe/Berlin',
      ownerName: 'Ines',
      ...owner,
    }
    const made = await fetch(`${address}/setup`, {
      method: 'POST',
      headers: { origin: address },
      body: new URLSearchParams({ ...form, slug: 'northwind' }),
      redirect: 'manual',
    })
    expect(made.status).toBe(303)
    expect((await signIn(address)).status).toBe(201)

    const port = new URL(address).port
    const second = await run({ PORT: port }).ended
    expect(second.code).toBe(1)
    expect(second.out).toBe('')
    expectSentence(second.err)
    expect(second.err).toContain(`Port ${port}`)
    expect((await fetch(`${address}/healthz`)).status).toBe(200)

    app.child.kill('SIGKILL')
    expect((await app.ended).out.trim().split('\n')).toHaveLength(1)
  })

  test('an S3_URL that cannot be used stops it in a sentence', async () => {
    const plain = await run({ S3_URL: 'http://key:secret-word@s3.example.com/media' }).ended
    expect(plain.code).toBe(1)
    expectSentence(plain.err)
    expect(plain.err).toContain('plain http')
    expect(plain.err).not.toContain('secret-word')
  })

  test('after a kill -9 everything is there again, and no code is printed any more', async () => {
    const app = run()
    const line = await app.line
    expect(line).toContain('sign in there')
    expect(line).not.toMatch(/\d{8}/)
    expect((await signIn(addressIn(line))).status).toBe(201)
    app.child.kill('SIGTERM')
    expect((await app.ended).code).toBe(0)
  })

  test('SIGTERM: the request in flight is answered, new ones are not taken, and it ends with 0 at once', async () => {
    const app = run()
    const { hostname, port } = new URL(addressIn(await app.line))
    // A kept-alive connection of a browser that asks for nothing any more must not hold it up.
    await (await fetch(`http://${hostname}:${port}/sign-in`)).text()
    const body = JSON.stringify({ workspace: 'northwind', ...owner })
    const head = `POST /api/v1/sessions HTTP/1.1\r\nhost: ${hostname}:${port}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    const socket = connect(Number(port), hostname)
    let answer = ''
    const answered = new Promise<void>((resolve, reject) => {
      socket.on('data', data => {
        answer += data
        if (answer.includes('\r\n\r\n')) resolve()
      })
      socket.on('close', () => resolve())
      socket.on('error', reject)
    })
    await new Promise<void>(sent => socket.write(head + body.slice(0, 10), () => sent()))
    // The head has arrived once a later request on another connection was answered.
    await (await fetch(`http://${hostname}:${port}/healthz`)).text()
    const asked = performance.now()
    app.child.kill('SIGTERM')
    // It no longer listens: what is asked now goes nowhere.
    for (;;) {
      const refused = await fetch(`http://${hostname}:${port}/healthz`, {
        headers: { connection: 'close' },
        signal: AbortSignal.timeout(500),
      }).then(
        () => false,
        () => true,
      )
      if (refused) break
      if (performance.now() - asked > 5_000) throw new Error('it still listens')
    }
    socket.write(body.slice(10))
    await answered
    expect(answer.split('\r\n')[0]).toBe('HTTP/1.1 201 Created')
    socket.end()
    const { code, err } = await app.ended
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(performance.now() - asked).toBeLessThan(8_000)
  })

  test('another secret than the one the database was made with is said in one sentence', async () => {
    const { code, out, err } = await run({ MASTHEAD_SECRET: 'another secret of more than thirty-two' }).ended
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expectSentence(err)
    expect(err).toContain('MASTHEAD_SECRET')
  })

  test('a data folder that cannot be one is said in one sentence', async () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    const { code, out, err } = await run({ DATA_DIR: join(file, 'data') }).ended
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expectSentence(err)
    expect(err).toContain('DATA_DIR')
  })

  test('a wrong setting is said in one sentence', async () => {
    const { code, out, err } = await run({ PORT: 'eighty' }).ended
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expectSentence(err)
    expect(err).toContain('PORT')
  })

  test('a database that does not answer is said in one sentence, without its password', async () => {
    const { code, out, err } = await unreachable.ended
    expect({ code, out }).toEqual({ code: 1, out: '' })
    expectSentence(err)
    expect(err).toContain('127.0.0.1:1')
    expect(err).not.toContain('secret-word')
  })
})
