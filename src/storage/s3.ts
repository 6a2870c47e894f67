import { S3Client } from 'bun'
import {
  checkPath,
  folderPath,
  type Storage,
  StorageAway,
  StorageFull,
  StorageRefused,
  StorageTrouble,
  type Stored,
} from './storage.ts'

/** Bytes of one part of a streamed file; S3 takes no smaller ones but for the last. */
const partBytes = 8 * 1024 * 1024
const removedAtOnce = 8

/**
 * Files in a bucket. Written whole or not at all: a stream goes up in parts, and a broken one is called off (measured
 * with Bun 1.4.5 against OpenStack Swift 2.30: no object, no parts left; `S3File.writer()` would keep what it has).
 * @param url `https://KEY:SECRET@host[:port]/bucket?region=…`; key and secret percent-encoded
 * @param limits how long the server may keep silent, and how many names it is asked for at once
 */
export function s3Storage(url: URL, { waitMs = 30_000, namesAtOnce = 1_000 } = {}): Storage {
  const bucket = decodeURIComponent(url.pathname.slice(1).replace(/\/$/, ''))
  const client = new S3Client({
    endpoint: url.origin,
    bucket,
    accessKeyId: decodeURIComponent(url.username),
    secretAccessKey: decodeURIComponent(url.password),
    region: url.searchParams.get('region') ?? 'us-east-1',
  })
  const inWords = (error: unknown) => meaning(error, url.host, bucket)
  const silent = () => new StorageAway(`${url.host} (S3_URL) keeps silent for ${waitMs / 1000} s.`)
  const asked = async <T>(answer: Promise<T>): Promise<T> => {
    const patience = beginPatience(waitMs, silent)
    try {
      return await Promise.race([answer, patience.over])
    } catch (error) {
      throw inWords(error)
    } finally {
      patience.end()
    }
  }

  async function* list(folder: string): AsyncGenerator<Stored> {
    const prefix = folderPath(folder)
    let last: string | undefined
    for (;;) {
      const page = await asked(
        client.list({ prefix, maxKeys: namesAtOnce, ...(last ? { startAfter: last } : {}) }),
      )
      for (const { key, size, lastModified } of page.contents ?? []) {
        last = key
        yield { path: key, bytes: size ?? 0, changedAt: new Date(lastModified ?? 0) }
      }
      if (!page.isTruncated || !page.contents?.length) return
    }
  }

  async function writeStream(path: string, body: ReadableStream<Uint8Array>): Promise<void> {
    const patience = beginPatience(waitMs, silent)
    let broken: unknown
    const source = body.getReader()
    const watched = new ReadableStream<Uint8Array>(
      {
        async pull(controller) {
          patience.pause()
          try {
            const { done, value } = await source.read()
            if (done) controller.close()
            else controller.enqueue(value)
          } catch (error) {
            broken = error
            controller.error(error)
          }
          patience.goOn()
        },
        cancel: reason => source.cancel(reason),
      },
      { highWaterMark: 0 },
    )
    try {
      await Promise.race([
        client.write(path, new Response(watched), { partSize: partBytes, queueSize: 2 }),
        patience.over,
      ])
    } catch (error) {
      // The source's own trouble is told as it is: it is not the bucket's.
      if (broken) throw broken
      // A refusal to begin an upload in parts comes without its reason (Bun 1.4.5): another question brings it.
      if ((error as { code?: string }).code === 'UnknownError')
        await asked(client.list({ prefix: 'checks/', maxKeys: 1 }))
      throw inWords(error)
    } finally {
      patience.end()
    }
  }

  return {
    async write(path, body) {
      checkPath(path)
      if (body instanceof Uint8Array) await asked(client.write(path, body))
      else await writeStream(path, body)
    },
    async read(path) {
      const reader = client.file(checkPath(path)).stream().getReader()
      try {
        const first = await asked(reader.read())
        return new ReadableStream<Uint8Array>(
          {
            start(controller) {
              if (first.value) controller.enqueue(first.value)
              if (first.done) controller.close()
            },
            async pull(controller) {
              const { done, value } = await asked(reader.read())
              if (done) controller.close()
              else controller.enqueue(value)
            },
            cancel: reason => reader.cancel(reason),
          },
          { highWaterMark: 0 },
        )
      } catch (error) {
        if (error instanceof Absent) return null
        throw error
      }
    },
    list,
    async remove(path) {
      await asked(client.delete(checkPath(path)))
    },
    async removeFolder(folder) {
      let going: Promise<unknown>[] = []
      for await (const { path } of list(folder)) {
        going.push(asked(client.delete(path)))
        if (going.length < removedAtOnce) continue
        await Promise.all(going)
        going = []
      }
      await Promise.all(going)
    },
  }
}

/** There is no file of that name. */
class Absent extends Error {}

/** Rejects `over` when it was not paused or ended for `ms`. */
function beginPatience(ms: number, silent: () => Error) {
  let timer: Timer | undefined
  let stopped = false
  let end = (_: Error) => {}
  const over = new Promise<never>((_, reject) => {
    end = reject
  })
  over.catch(() => {})
  const pause = () => clearTimeout(timer)
  const goOn = () => {
    clearTimeout(timer)
    if (!stopped) timer = setTimeout(() => end(silent()), ms)
  }
  goOn()
  return {
    over,
    pause,
    goOn,
    end() {
      stopped = true
      pause()
    },
  }
}

/** Error codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html, and what MinIO, Ceph and Swift call a full bucket. */
function meaning(error: unknown, host: string, bucket: string): Error {
  if (error instanceof StorageTrouble) return error
  const { code = '', message } = error as { code?: string; message: string }
  switch (code) {
    case 'NoSuchKey':
      return new Absent()
    case 'QuotaExceeded':
    case 'EntityTooLarge':
    case 'XMinioStorageFull':
    case 'XMinioAdminBucketQuotaExceeded':
      return new StorageFull(
        `The bucket “${bucket}” at ${host} takes no more (${code}): make room in it, or raise its quota.`,
      )
    case 'NoSuchBucket':
    case 'InvalidBucketName':
      return new StorageRefused(
        `There is no bucket “${bucket}” at ${host}: make it, or set S3_URL to the right one.`,
      )
    case 'SignatureDoesNotMatch':
    case 'InvalidAccessKeyId':
    case 'InvalidToken':
    case 'ExpiredToken':
      return new StorageRefused(
        `${host} does not accept the key and secret of S3_URL (${code}): set the right ones, percent-encoded where they hold / : @ or +.`,
      )
    case 'AccessDenied':
    case 'AllAccessDisabled':
    case 'AccountProblem':
      return new StorageRefused(
        `The key of S3_URL may not use the bucket “${bucket}” at ${host} (${code}): allow it to read, write, list and delete there.`,
      )
    case 'AuthorizationHeaderMalformed':
    case 'PermanentRedirect':
    case 'AuthorizationQueryParametersError':
      return new StorageRefused(
        `The bucket “${bucket}” is not in the region that S3_URL names (${code}): set ?region=… as ${host} wants it.`,
      )
    case 'RequestTimeTooSkewed':
      return new StorageRefused(
        `The clock of this machine and that of ${host} differ too much (${code}): set it right.`,
      )
    default:
      return new StorageAway(`${host} (S3_URL) does not answer as it should: ${code || message}.`)
  }
}
