import { Readable } from 'node:stream'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'
import { Decrypter, Encrypter } from 'age-encryption'
import { createTarDecoder, createTarPacker } from 'modern-tar'
import { Stop } from '../errors.ts'

/**
 * An archive is a tar file, compressed with zstd, encrypted to a passphrase in the age format
 * (https://age-encryption.org/v1): `age -d file | zstd -d | tar t` reads it without Masthead. Both directions stream.
 */

export interface Entry {
  /** Path inside the archive, with slashes. */
  name: string
  /** Exact number of bytes of `body`. */
  bytes: number
  body: Uint8Array | ReadableStream<Uint8Array>
}

export interface ReadEntry {
  name: string
  bytes: number
  /** Must be read to its end or cancelled before the next entry comes. */
  body: ReadableStream<Uint8Array>
}

/** Passwords of people need much work to guess at; a passphrase of 32 random bytes needs none. https://age-encryption.org/v1 (scrypt recipient: log2 N) */
const work = { people: 17, derived: 10 }

/**
 * @param secret a person's passphrase, or 32 random bytes of ours
 * @param entries are asked for one by one, as the archive is read
 */
export async function writeArchive(
  secret: string | Buffer,
  entries: AsyncIterable<Entry>,
): Promise<ReadableStream<Uint8Array>> {
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphraseOf(secret))
  encrypter.setScryptWorkFactor(typeof secret === 'string' ? work.people : work.derived)
  const { readable, controller } = createTarPacker()
  const packing = (async () => {
    for await (const { name, bytes, body } of entries) {
      const place = controller.add({ name, size: bytes, type: 'file', mode: 0o600 })
      const stream = body instanceof Uint8Array ? new Blob([new Uint8Array(body)]).stream() : body
      await stream.pipeTo(place)
    }
    controller.finalize()
  })()
  packing.catch((error: unknown) => controller.error(error))
  const zstd = createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: 3 } })
  const compressed = Readable.fromWeb(readable as never)
    .on('error', error => zstd.destroy(error))
    .pipe(zstd)
  return encrypter.encrypt(Readable.toWeb(compressed) as unknown as ReadableStream<Uint8Array>)
}

/**
 * Reads an archive entry by entry. Every byte is authenticated before it is handed out, and an archive that was cut
 * off ends with an error, never early.
 * @throws Stop in words when the passphrase is wrong, or the file is no archive, damaged or cut off
 */
export async function* readArchive(
  secret: string | Buffer,
  file: ReadableStream<Uint8Array>,
): AsyncGenerator<ReadEntry> {
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphraseOf(secret))
  let plain: ReadableStream<Uint8Array>
  try {
    plain = await decrypter.decrypt(file)
  } catch (error) {
    throw inWords(error)
  }
  const unzip = createZstdDecompress()
  const source = Readable.fromWeb(plain as never)
  source.on('error', error => unzip.destroy(error))
  const tar = (Readable.toWeb(source.pipe(unzip)) as unknown as ReadableStream<Uint8Array>).pipeThrough(
    createTarDecoder({ strict: true }),
  )
  try {
    for await (const { header, body } of tar as unknown as AsyncIterable<{
      header: { name: string; size: number }
      body: ReadableStream<Uint8Array>
    }>)
      yield { name: header.name, bytes: header.size, body: worded(body) }
  } catch (error) {
    throw inWords(error)
  } finally {
    source.destroy()
    unzip.destroy()
  }
}

/** The same bytes; what fails while they are read is said in words too. */
function worded(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader()
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      } catch (error) {
        controller.error(inWords(error))
      }
    },
    cancel: reason => reader.cancel(reason),
  })
}

const passphraseOf = (secret: string | Buffer) =>
  typeof secret === 'string' ? secret : secret.toString('base64url')

function inWords(error: unknown): unknown {
  if (error instanceof Stop) return error
  const said = String((error as Error).message ?? error)
  if (/no identity matched/.test(said)) return new Stop('The passphrase does not open this file.')
  if (/invalid (header|version|recipient|intro)|not a|missing|unexpected/i.test(said) && !/tag/.test(said))
    return new Stop('This is no archive of Masthead, or its beginning is damaged.')
  return new Stop('The file is damaged or cut off: its bytes are not those that were written.')
}
