/** Certificates of an authority that the rig's processes trust, made by openssl, and a TLS line that shows them. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type TlsOptions } from 'node:tls'

export interface Authority {
  /** Its own certificate, a PEM file. */
  file: string
  certificate(name: string, when?: 'now' | 'past'): Pick<TlsOptions, 'key' | 'cert'>
  remove(): void
}

const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
/** `openssl req` signs for days from now on only; `openssl ca` takes any time, and wants a ledger for it. */
const ledger = `[ca]
default_ca = rig
[rig]
database = ledger
new_certs_dir = .
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`
const times = {
  now: ['20250101000000Z', '20450101000000Z'],
  past: ['20200101000000Z', '20210101000000Z'],
} as const

/** @throws where there is no openssl */
export function openAuthority(): Authority {
  const folder = mkdtempSync(join(tmpdir(), 'masthead-authority-'))
  const openssl = (...words: string[]) => {
    const { exitCode, stderr } = Bun.spawnSync(['openssl', ...words], { cwd: folder })
    if (exitCode !== 0) throw new Error(`openssl ${words[0]} does not work here: ${stderr}`)
  }
  writeFileSync(join(folder, 'ledger.cnf'), ledger)
  writeFileSync(join(folder, 'ledger'), '')
  const own = ['-keyout', 'own.key', '-out', 'own.pem', '-subj', '/CN=Authority of the rig']
  openssl('req', '-x509', ...key, '-days', '7000', ...own)
  let made = 0
  return {
    file: join(folder, 'own.pem'),
    certificate(name, when = 'now') {
      const file = `leaf-${++made}`
      const [from, to] = times[when]
      const names = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
      openssl('req', '-new', ...key, '-keyout', `${file}.key`, '-out', `${file}.csr`, ...names)
      const signed = ['-in', `${file}.csr`, '-out', `${file}.pem`, '-notext']
      const by = ['-config', 'ledger.cnf', '-cert', 'own.pem', '-keyfile', 'own.key']
      openssl('ca', '-batch', ...by, ...signed, '-startdate', from, '-enddate', to)
      const read = (end: string) => readFileSync(join(folder, `${file}.${end}`), 'utf8')
      return { key: read('key'), cert: read('pem') }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export interface Line {
  port: number
  /** From now on it shows this; null: it speaks no TLS at all. */
  show(options: TlsOptions | null): Promise<void>
  stop(): Promise<void>
}

/** A line to the server at `port` of 127.0.0.1, as a TLS terminator in front of it is. @throws where `host` is not ours */
export async function openLine(port: number, options: TlsOptions | null, host = '127.0.0.1'): Promise<Line> {
  const open = new Set<Socket>()
  let server: Server | null = null
  const pass = (socket: Socket) => {
    open.add(socket)
    const onward = connect(port, '127.0.0.1')
    socket.pipe(onward).pipe(socket)
    for (const end of [socket, onward])
      end
        .on('error', () => undefined)
        .on('close', () => {
          open.delete(socket)
          socket.destroy()
          onward.destroy()
        })
  }
  const close = () =>
    new Promise<void>(done => {
      if (!server) return done()
      server.close(() => done())
      for (const socket of open) socket.destroy()
    })
  const line: Line = {
    port: 0,
    async show(shown) {
      await close()
      const next: Server = shown ? createTlsServer(shown, pass) : createServer(pass)
      next.on('tlsClientError', () => undefined)
      await new Promise<void>((done, fail) => {
        next.once('error', fail)
        next.listen(line.port, host, done)
      })
      line.port = (next.address() as AddressInfo).port
      server = next
    },
    stop: close,
  }
  await line.show(options)
  return line
}
