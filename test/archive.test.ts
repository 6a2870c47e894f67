import { describe, expect, test } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { Stop } from '../src/errors.ts'
import { type Entry, readArchive, writeArchive } from '../src/lib/archive.ts'

const passphrase = 'a warm cup by the window'
const big = randomBytes(3_000_000)

async function* entries(): AsyncGenerator<Entry> {
  yield { name: 'manifest.json', bytes: 2, body: Buffer.from('{}') }
  yield { name: 'media/a', bytes: big.length, body: new Blob([big]).stream() }
  yield { name: 'empty', bytes: 0, body: Buffer.alloc(0) }
}
const written = async (secret: string | Buffer = passphrase) =>
  new Response(await writeArchive(secret, entries())).bytes()

async function readAll(bytes: Uint8Array, secret: string | Buffer = passphrase) {
  const found: Record<string, Uint8Array> = {}
  for await (const { name, body } of readArchive(secret, new Blob([new Uint8Array(bytes)]).stream()))
    found[name] = await new Response(body).bytes()
  return found
}
const wordsOf = (work: Promise<unknown>) =>
  work.then(
    () => 'it was read',
    error => (error instanceof Stop ? error.message : `no sentence: ${error}`),
  )

describe('an archive', () => {
  test('comes back as it was written, and shows nothing of it outside', async () => {
    const file = await written()
    const found = await readAll(file)
    expect(Object.keys(found)).toEqual(['manifest.json', 'media/a', 'empty'])
    expect(Buffer.from(found['media/a'] ?? []).equals(big)).toBe(true)
    expect(Buffer.from(file).includes('manifest')).toBe(false)
    const key = randomBytes(32)
    expect(Object.keys(await readAll(await written(key), key))).toHaveLength(3)
  })

  test('that was cut off anywhere is refused in a sentence', async () => {
    const file = await written()
    for (const share of [0.01, 0.1, 0.5, 0.9, 0.999]) {
      const words = await wordsOf(readAll(file.subarray(0, Math.floor(file.length * share))))
      expect({ share, words: /damaged|no archive/.test(words) ? 'refused' : words }).toEqual({
        share,
        words: 'refused',
      })
    }
    // At the border of an age chunk too, where every byte that is there is right.
    const header = file.length - Math.floor((file.length - 200) / 65_552) * 65_552
    expect(await wordsOf(readAll(file.subarray(0, header + 65_552 * 3)))).toMatch(/damaged/)
  })

  test('of which one bit is another is refused in a sentence', async () => {
    const file = await written()
    for (const at of [3, 60, 150, 1_000, 1_000_000, file.length - 1]) {
      const changed = Uint8Array.from(file)
      changed[at] = (changed[at] ?? 0) ^ 1
      expect({ at, words: await wordsOf(readAll(changed)) }).toEqual({
        at,
        words: expect.stringMatching(/damaged|no archive|does not open/) as unknown as string,
      })
    }
  })

  test('opens for its passphrase only, and something else is no archive', async () => {
    expect(await wordsOf(readAll(await written(), 'another'))).toBe('The passphrase does not open this file.')
    for (const other of ['', 'hello', 'x'.repeat(100_000)])
      expect(await wordsOf(readAll(Buffer.from(other)))).toMatch(/no archive|damaged/)
  })

  test('whose contents fail while it is written ends with that error', async () => {
    async function* failing(): AsyncGenerator<Entry> {
      yield { name: 'first', bytes: 3, body: Buffer.from('abc') }
      throw new Error('the disk is gone')
    }
    const stream = await writeArchive(passphrase, failing())
    expect(await new Response(stream).bytes().catch(error => String(error))).toContain('the disk is gone')
  })
})
