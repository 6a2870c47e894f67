import { Invalid } from '../errors.ts'

/** OWASP's minimum for argon2id: 19 MiB, 2 passes, one lane. Stated here, because a runtime's default may change. */
const cost = { algorithm: 'argon2id', memoryCost: 19_456, timeCost: 2 } as const
/** Each hash takes 19 MiB while it runs, so only a few run at once. */
const lanes = 4

let running = 0
const waiting: (() => void)[] = []

async function inLane<T>(work: () => Promise<T>): Promise<T> {
  if (running >= lanes) await new Promise<void>(resolve => waiting.push(resolve))
  else running++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

const commonest = new Set([
  'password1234',
  '123456789012',
  'qwertyuiop12',
  'correcthorsebatterystaple',
  'aaaaaaaaaaaa',
])

/** @throws Invalid unless the password has 12 to 128 characters and is none that is tried first. */
export function checkPassword(password: string, email = ''): void {
  const wrong =
    password.length < 12
      ? 'must have at least 12 characters'
      : password.length > 128
        ? 'must have at most 128 characters'
        : commonest.has(password.toLowerCase()) ||
            new Set(password).size < 4 ||
            password.toLowerCase() === email.toLowerCase()
          ? 'is too easy to guess'
          : null
  if (wrong) throw new Invalid(`The password ${wrong}.`, [{ path: 'password', message: wrong }])
}

/** One form for what looks the same: keyboards differ in how they write an umlaut. */
const typed = (password: string) => password.normalize('NFC')

export const hashPassword = (password: string): Promise<string> =>
  inLane(() => Bun.password.hash(typed(password), cost))

let decoy: Promise<string> | null = null

/** Compares in the same time whether there is a hash or not, so that an answer's delay tells nothing. */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  decoy ??= hashPassword('there is no such user')
  const against = hash ?? (await decoy)
  const same = await inLane(() => Bun.password.verify(typed(password), against)).catch(() => false)
  return same && hash !== null
}
