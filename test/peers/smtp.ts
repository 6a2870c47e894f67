/** A mail server on a free port of 127.0.0.1 (the `smtp-server` package): keeps what it takes, and refuses on request. */
import { SMTPServer, type SMTPServerDataStream, type SMTPServerOptions } from 'smtp-server'

export interface ReceivedMail {
  /** The envelope's sender and recipients, which headers have no say in. */
  from: string
  to: string[]
  /** Whether it came by TLS. */
  secure: boolean
  /** Who signed in, or null. */
  user: string | null
  raw: string
  /** Names in lower case, as often as they stand there; values unfolded and decoded. */
  headers: [string, string][]
  text: string
  html: string
}

/** What one command is answered with, instead of being taken. `hang`: nothing is ever said. */
export type Refusal = { code: number; words: string } | 'hang' | 'drop'

export interface Smtp {
  port: number
  mails: ReceivedMail[]
  /** Commands that were answered: `AUTH`, `MAIL`, `RCPT`, `DATA`. */
  commands: string[]
  /** The setting for it. */
  url(login?: string): string
  /** The next `times` of this command meet `refusal`; `DATA` after the whole mail has come. */
  refuse(command: 'MAIL' | 'RCPT' | 'DATA', refusal: Refusal, times?: number): void
  /** Forgets what it was to refuse. */
  calm(): void
  /** Cuts every connection, and forgets what it was to refuse. */
  hangUp(): void
  stop(): Promise<void>
}

export async function startSmtp({
  login = null,
  startTls = false,
  tls = false,
}: {
  /** `user:password` that is asked for; null: nobody signs in. */
  login?: string | null
  /** Offers STARTTLS, with a certificate that nobody vouches for. */
  startTls?: boolean
  /** TLS from the first byte. */
  tls?: boolean
} = {}): Promise<Smtp> {
  const mails: ReceivedMail[] = []
  const commands: string[] = []
  const planned: { command: string; refusal: Refusal; left: number }[] = []
  const meet = (
    command: string,
    answer: (error?: Error) => void,
    drop: () => void,
    take: () => void = () => answer(),
  ) => {
    commands.push(command)
    const found = planned.find(plan => plan.command === command && plan.left > 0)
    if (!found) return take()
    found.left--
    if (found.refusal === 'hang') return
    if (found.refusal === 'drop') return drop()
    answer(Object.assign(new Error(found.refusal.words), { responseCode: found.refusal.code }))
  }
  const dropAll = () => {
    for (const connection of (server as unknown as { connections: Set<{ _socket: { destroy(): void } }> })
      .connections)
      connection._socket.destroy()
  }
  const options: SMTPServerOptions = {
    secure: tls,
    logger: false,
    authOptional: login === null,
    allowInsecureAuth: true,
    disabledCommands: [...(startTls || tls ? [] : ['STARTTLS']), ...(login === null ? ['AUTH'] : [])],
    onAuth(auth, _session, answer) {
      commands.push('AUTH')
      if (`${auth.username}:${auth.password}` === login) return answer(null, { user: auth.username })
      answer(Object.assign(new Error(`5.7.8 Not accepted for ${auth.username}`), { responseCode: 535 }))
    },
    onMailFrom: (_address, _session, answer) => meet('MAIL', answer, dropAll),
    onRcptTo: (_address, _session, answer) => meet('RCPT', answer, dropAll),
    onData(stream: SMTPServerDataStream, session, answer) {
      const chunks: Buffer[] = []
      stream.on('data', chunk => chunks.push(chunk))
      stream.on('end', () => {
        const keep = () => {
          const { mailFrom, rcptTo } = session.envelope
          mails.push({
            from: mailFrom ? mailFrom.address : '',
            to: rcptTo.map(({ address }) => address),
            secure: session.secure,
            user: session.user ?? null,
            ...readMail(Buffer.concat(chunks).toString('latin1')),
          })
        }
        const taken = (then: () => void) => () => {
          keep()
          then()
        }
        // A connection that drops here has taken the mail, and only its sender does not know.
        meet('DATA', answer, taken(dropAll), taken(answer))
      })
    },
  }
  const server = new SMTPServer(options)
  server.on('error', () => {})
  await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready))
  const { port } = server.server.address() as { port: number }
  return {
    port,
    mails,
    commands,
    url: (as = login ?? '') =>
      `${tls ? 'smtps' : 'smtp'}://${as && `${as.split(':').map(encodeURIComponent).join(':')}@`}127.0.0.1:${port}`,
    refuse: (command, refusal, times = 1) => void planned.push({ command, refusal, left: times }),
    calm: () => {
      planned.length = 0
    },
    hangUp: () => {
      planned.length = 0
      dropAll()
    },
    stop: () =>
      new Promise(done => {
        dropAll()
        server.close(() => done())
      }),
  }
}

const bytesOf = (text: string) => Buffer.from(text, 'latin1')

function decodeBody(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString()
  if (encoding !== 'quoted-printable') return bytesOf(body).toString()
  const joined = body.replace(/=\r?\n/g, '')
  return bytesOf(
    joined.replace(/=([0-9A-F]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
  ).toString()
}

/** RFC 2047 words: `=?UTF-8?Q?…?=`, `=?UTF-8?B?…?=`. */
const decodeWords = (value: string): string =>
  value
    .replace(/\?=\s+=\?/g, '?==?')
    .replace(/=\?utf-8\?([qb])\?([^?]*)\?=/gi, (_, kind: string, text: string) =>
      kind.toLowerCase() === 'b'
        ? Buffer.from(text, 'base64').toString()
        : decodeBody(text.replaceAll('_', ' '), 'quoted-printable'),
    )

function readPart(raw: string): { headers: [string, string][]; body: string } {
  const [head = '', ...rest] = raw.split(/\r?\n\r?\n/)
  const headers = head
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .map((line): [string, string] => {
      const at = line.indexOf(':')
      return [line.slice(0, at).toLowerCase(), decodeWords(line.slice(at + 1).trim())]
    })
  return { headers, body: rest.join('\r\n\r\n') }
}

export function readMail(raw: string): Pick<ReceivedMail, 'raw' | 'headers' | 'text' | 'html'> {
  const { headers, body } = readPart(raw)
  const type = headers.find(([name]) => name === 'content-type')?.[1] ?? ''
  const boundary = /boundary="?([^";]+)"?/.exec(type)?.[1]
  const parts = boundary
    ? body
        .split(`--${boundary}`)
        .slice(1, -1)
        .map(part => readPart(part.trimStart()))
    : []
  const bodyOf = (wanted: string) => {
    const part = parts.find(({ headers: own }) =>
      own.some(([name, value]) => name === 'content-type' && value.startsWith(wanted)),
    )
    const encoding =
      part?.headers.find(([name]) => name === 'content-transfer-encoding')?.[1]?.toLowerCase() ?? '7bit'
    return part ? decodeBody(part.body, encoding) : ''
  }
  return { raw, headers, text: bodyOf('text/plain'), html: bodyOf('text/html') }
}
