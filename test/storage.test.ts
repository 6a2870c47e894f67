/** Files on disk and in a bucket: one set of promises, held against both; then each one's own troubles. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newId } from '../src/lib/id.ts'
import { checkStorage } from '../src/storage/check.ts'
import { diskStorage } from '../src/storage/disk.ts'
import { openStorage } from '../src/storage/open.ts'
import { s3Storage } from '../src/storage/s3.ts'
import {
  type Storage,
  StorageAway,
  StorageFull,
  StorageRefused,
  type Stored,
} from '../src/storage/storage.ts'
import { describePeer, type S3, startS3 } from './peers/index.ts'
import { canMount, smallDisk } from './small-disk.ts'

setDefaultTimeout(60_000)

const bytes = (text: string) => new TextEncoder().encode(text)
const mebibyte = 1024 * 1024

/** `chunks` MiB, one at a time; `breaks` at the end instead of ending. */
function stream(chunks: number, breaks = false): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream(
    {
      pull(controller) {
        if (sent < chunks) controller.enqueue(new Uint8Array(mebibyte).fill(++sent))
        else if (breaks) controller.error(new Error('the source broke'))
        else controller.close()
      },
    },
    { highWaterMark: 0 },
  )
}

async function text(storage: Storage, path: string): Promise<string | null> {
  const found = await storage.read(path)
  return found ? new Response(found).text() : null
}

async function listed(storage: Storage, folder: string): Promise<Stored[]> {
  const all: Stored[] = []
  for await (const file of storage.list(folder)) all.push(file)
  return all
}

function contract(open: () => Storage): void {
  let storage: Storage
  beforeAll(() => {
    storage = open()
  })

  test('gives back what was written, replaces it, and knows what is not there', async () => {
    const path = `media/${newId()}/${newId()}`
    expect(await storage.read(path)).toBeNull()
    await storage.write(path, bytes('first'))
    expect(await text(storage, path)).toBe('first')
    await storage.write(path, bytes('second, and longer'))
    expect(await text(storage, path)).toBe('second, and longer')
    await storage.write(path, new Uint8Array(0))
    expect(await text(storage, path)).toBe('')
    await storage.remove(path)
    expect(await storage.read(path)).toBeNull()
    await storage.remove(path)
  })

  test('a stream of 40 MiB goes in and out whole', async () => {
    const path = `exports/${newId()}/big.capsule`
    await storage.write(path, stream(40))
    const read = await storage.read(path)
    const hash = new Bun.CryptoHasher('sha256')
    let length = 0
    for await (const chunk of read as ReadableStream<Uint8Array>) {
      hash.update(chunk)
      length += chunk.length
    }
    const wanted = new Bun.CryptoHasher('sha256')
    for (let n = 1; n <= 40; n++) wanted.update(new Uint8Array(mebibyte).fill(n))
    expect(length).toBe(40 * mebibyte)
    expect(hash.digest('hex')).toBe(wanted.digest('hex'))
    await storage.removeFolder(path.slice(0, path.lastIndexOf('/')))
  })

  test('a stream that breaks leaves nothing behind, and what was there before stays', async () => {
    const folder = `exports/${newId()}/`
    await storage.write(`${folder}kept`, bytes('as it was'))
    for (const size of [1, 20]) {
      await expect(storage.write(`${folder}new`, stream(size, true))).rejects.toThrow('the source broke')
      await expect(storage.write(`${folder}kept`, stream(size, true))).rejects.toThrow('the source broke')
    }
    expect(await text(storage, `${folder}kept`)).toBe('as it was')
    expect((await listed(storage, folder)).map(({ path }) => path)).toEqual([`${folder}kept`])
  })

  test('a reader that stops early harms nothing', async () => {
    const path = `exports/${newId()}/half`
    await storage.write(path, stream(12))
    const reader = (await storage.read(path))?.getReader()
    expect((await reader?.read())?.value?.length).toBeGreaterThan(0)
    await reader?.cancel()
    expect((await listed(storage, path.slice(0, path.lastIndexOf('/'))))[0]?.bytes).toBe(12 * mebibyte)
  })

  test('a list has every file once, in the order of paths, folders inside it included', async () => {
    const folder = `snapshots/${newId()}`
    const names = ['a', 'a-b', 'a.b', 'a/b', 'a/b.c/d', 'ab', 'z/1']
      // S3 and disks that hold `a` as a file have no folder of that name beside it.
      .filter(name => name !== 'a')
    for (const name of names) await storage.write(`${folder}/${name}`, bytes(name))
    await storage.write(`${folder}x/foreign`, bytes('a neighbour'))
    const before = Date.now() - 60_000
    for (const asked of [folder, `${folder}/`]) {
      const all = await listed(storage, asked)
      expect(all.map(({ path }) => path.slice(folder.length + 1))).toEqual(names.toSorted())
      for (const file of all) {
        expect(file.bytes).toBe(file.path.length - folder.length - 1)
        expect(file.changedAt.getTime()).toBeGreaterThan(before)
      }
    }
    expect(await listed(storage, `snapshots/${newId()}/`)).toEqual([])
  })

  test('a folder goes with everything in it, and its neighbour of almost the same name stays', async () => {
    const folder = `media/${newId()}`
    for (let n = 0; n < 20; n++) await storage.write(`${folder}/${n}`, bytes('x'))
    await storage.write(`${folder}-2/kept`, bytes('x'))
    await storage.removeFolder(folder)
    expect(await listed(storage, folder)).toEqual([])
    expect(await listed(storage, `${folder}-2`)).toHaveLength(1)
    await storage.removeFolder(folder)
    await storage.removeFolder(`${folder}-2/`)
  })

  test('of two who write one path at once, one is kept whole', async () => {
    const path = `media/${newId()}`
    const [a, b] = [new Uint8Array(3 * mebibyte).fill(1), new Uint8Array(3 * mebibyte).fill(2)]
    await Promise.all([storage.write(path, a), storage.write(path, b)])
    const kept = await new Response(await storage.read(path)).bytes()
    expect([1, 2]).toContain(kept[0] as number)
    expect(kept.every(byte => byte === kept[0])).toBe(true)
    expect(kept.length).toBe(3 * mebibyte)
  })

  test.each([
    '../up',
    'media/../../up',
    '/etc/passwd',
    'media//x',
    'media/',
    'Media/x',
    'a\u0000b',
    '',
    '.',
    'media/.x',
    'a b',
  ])('the path %j is no path of ours', async path => {
    await expect((async () => storage.write(path, bytes('x')))()).rejects.toThrow('not a path')
    await expect((async () => storage.read(path))()).rejects.toThrow('not a path')
    await expect((async () => storage.remove(path))()).rejects.toThrow('not a path')
    if (path !== 'media/')
      await expect((async () => storage.removeFolder(path))()).rejects.toThrow('not a path')
  })

  test('its own check finds it well and leaves nothing', async () => {
    expect(await checkStorage(storage)).toBeNull()
    expect(await listed(storage, 'checks')).toEqual([])
  })
}

describe('on disk', () => {
  const folder = mkdtempSync(join(tmpdir(), 'masthead-storage-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  describe('keeps the promises', () => contract(() => diskStorage(join(folder, 'data'))))

  test('files are for this user only', async () => {
    const storage = diskStorage(folder)
    await storage.write('media/private', bytes('x'))
    expect(statSync(join(folder, 'media/private')).mode & 0o077).toBe(0)
    expect(statSync(join(folder, 'media')).mode & 0o077).toBe(0)
  })

  test('a folder that cannot be written is told with its cure', async () => {
    const blocked = join(folder, 'blocked')
    mkdirSync(blocked)
    // Root may write anywhere: a file where the folder should be stops everybody.
    await Bun.write(join(blocked, 'media'), 'in the way')
    const storage = diskStorage(blocked)
    await expect(storage.write('media/x', bytes('x'))).rejects.toBeInstanceOf(StorageRefused)
    rmSync(join(blocked, 'media'))
    await Bun.write(join(blocked, 'checks'), 'in the way')
    expect(await checkStorage(storage)).toMatch(
      /^The data folder .* cannot be written \((ENOTDIR|EEXIST)\): give this user/,
    )
  })

  test.skipIf(!canMount())('a full disk is told, keeps what it has and leaves no half file', async () => {
    const disk = smallDisk('1m')
    try {
      const storage = diskStorage(disk.path)
      await storage.write('media/first', bytes('kept'))
      for (const body of [new Uint8Array(2 * mebibyte), stream(3)])
        await expect(storage.write('media/second', body)).rejects.toBeInstanceOf(StorageFull)
      expect(readdirSync(join(disk.path, 'media'))).toEqual(['first'])
      expect(await text(storage, 'media/first')).toBe('kept')
      expect(await checkStorage(storage)).toBeNull()
      await Bun.write(join(disk.path, 'filler'), new Uint8Array(mebibyte)).catch(() => {})
      expect(await checkStorage(storage)).toMatch(
        /^The disk of the data folder .* is full \(ENOSPC\): make room/,
      )
      disk.makeReadOnly()
      expect(await checkStorage(storage)).toMatch(/cannot be written \(EROFS\)/)
    } finally {
      disk.remove()
    }
  })
})

describePeer('s3', 'in a bucket', () => {
  let s3: S3
  const open = (bucket: string, login?: Parameters<S3['url']>[1]) =>
    s3Storage(new URL(s3.url(bucket, login)), { waitMs: 5_000, namesAtOnce: 10 })
  beforeAll(async () => {
    s3 = await startS3()
    await s3.makeBucket('media')
    await s3.makeBucket('small', 50_000)
  })
  afterAll(() => s3?.stop())

  describe('keeps the promises', () => contract(() => open('media')))

  test('a list goes on past what one answer holds', async () => {
    const storage = open('media')
    const folder = `media/${newId()}/`
    const names = Array.from({ length: 33 }, (_, n) => `${folder}${String(n).padStart(4, '0')}`)
    for (let from = 0; from < names.length; from += 40)
      await Promise.all(names.slice(from, from + 40).map(path => storage.write(path, bytes('x'))))
    expect((await listed(storage, folder)).map(({ path }) => path)).toEqual(names)
    await storage.removeFolder(folder)
    expect(await listed(storage, folder)).toEqual([])
  })

  test.each([
    [
      'a wrong secret',
      () => open('media', { secret: 'wrong' }),
      /does not accept the key and secret of S3_URL \(SignatureDoesNotMatch\)/,
    ],
    ['a wrong key', () => open('media', { key: 'nobody' }), /does not accept the key and secret of S3_URL/],
    [
      'a missing bucket',
      () => open('nowhere'),
      /There is no bucket “nowhere” at 127\.0\.0\.1:\d+: make it, or set S3_URL/,
    ],
    [
      'a wrong region',
      () => open('media', { region: 'eu-central-1' }),
      /not in the region that S3_URL names .*set \?region=/,
    ],
  ])('%s is told with its cure, from every method', async (_, broken, words) => {
    const storage = broken()
    expect(await checkStorage(storage)).toMatch(words)
    const folder = `media/${newId()}`
    for (const ask of [
      () => storage.write(`${folder}/x`, bytes('x')),
      () => storage.write(`${folder}/x`, stream(12)),
      () => storage.read(`${folder}/x`),
      () => storage.remove(`${folder}/x`),
      () => listed(storage, folder),
      () => storage.removeFolder(folder),
    ])
      await expect(ask()).rejects.toBeInstanceOf(StorageRefused)
    expect(String(await checkStorage(storage))).not.toContain('testing')
  })

  test('a full bucket is told, and keeps what it has', async () => {
    const storage = open('small')
    await storage.write('media/first', bytes('kept'))
    await expect(storage.write('media/second', new Uint8Array(60_000))).rejects.toBeInstanceOf(StorageFull)
    expect(await storage.read('media/second')).toBeNull()
    expect(await text(storage, 'media/first')).toBe('kept')
  })
})

describe('a server that is not there', () => {
  const at = (port: number) =>
    s3Storage(new URL(`http://key:secret@127.0.0.1:${port}/media?region=x`), { waitMs: 300 })

  test('nobody listens', async () => {
    const storage = at(9)
    await expect(storage.write('media/x', bytes('x'))).rejects.toBeInstanceOf(StorageAway)
    expect(await checkStorage(storage)).toMatch(/^127\.0\.0\.1:9 \(S3_URL\) does not answer as it should/)
  })

  test('one that takes everything and says nothing is given up on', async () => {
    const server = createServer(socket => socket.on('error', () => {}).resume())
    await new Promise<void>(ready => server.listen(0, '127.0.0.1', ready))
    try {
      const storage = at((server.address() as { port: number }).port)
      for (const ask of [
        () => storage.write('media/x', bytes('x')),
        () => storage.write('media/x', stream(30)),
        () => storage.read('media/x'),
        () => storage.remove('media/x'),
        () => listed(storage, 'media/'),
      ]) {
        const started = performance.now()
        await expect(ask()).rejects.toThrow(StorageAway)
        expect(performance.now() - started).toBeLessThan(5_000)
      }
    } finally {
      server.close()
    }
  })
})

describe('the setting', () => {
  const opened =
    (url: string, outboundAllow: string[] = []) =>
    () =>
      openStorage({ s3Url: new URL(url), dataDir: '/nowhere', outboundAllow })

  test('plain http is for this machine, and for what the operator names', () => {
    expect(opened('http://k:s@s3.example.com/b')).toThrow(
      /S3_URL is plain http: use https, .*s3\.example\.com:80 to OUTBOUND_ALLOW/,
    )
    expect(opened('http://k:s@10.0.0.5:9000/b', ['10.0.0.6:9000'])).toThrow(/10\.0\.0\.5:9000/)
    expect(opened('http://k:s@localhost.evil.example/b')).toThrow(/plain http/)
    for (const url of [
      'http://k:s@127.0.0.1:9000/b',
      'http://k:s@localhost/b',
      'https://k:s@s3.example.com/b',
    ])
      expect(opened(url)).not.toThrow()
    expect(opened('http://k:s@10.0.0.5:9000/b', ['10.0.0.5:9000'])).not.toThrow()
  })
})
