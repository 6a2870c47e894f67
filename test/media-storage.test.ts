/** Pictures by way of both doors, when they lie in a bucket, and when the storage does not take them. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import sharp from 'sharp'
import { Stop } from '../src/errors.ts'
import { readyStorage } from '../src/storage/check.ts'
import { s3Storage } from '../src/storage/s3.ts'
import { type House, openHouse } from './cast.ts'
import { quiet } from './catalog.ts'
import { describePeer, type S3, startS3 } from './peers/index.ts'
import { canMount, smallDisk } from './small-disk.ts'

setDefaultTimeout(60_000)

/** Noise does not shrink when it is encoded. */
async function picture(size = 40): Promise<File> {
  const raw = crypto.getRandomValues(new Uint8Array(size * size * 3))
  const bytes = await sharp(raw, { raw: { width: size, height: size, channels: 3 } })
    .png()
    .toBuffer()
  return new File([new Uint8Array(bytes)], 'noise.png', { type: 'image/png' })
}
function form(name: string, files: File[]): FormData {
  const data = new FormData()
  for (const file of files) data.append(name, file)
  return data
}
const rows = async (house: House) =>
  (await house.services.db.owner.unsafe(`select 1 from ${house.alice.tenant.schema}.media`)).length
async function stored(house: House, folder: string): Promise<string[]> {
  const all: string[] = []
  for await (const file of house.services.storage.list(folder)) all.push(file.path)
  return all
}

describePeer('s3', 'pictures in a bucket', () => {
  let s3: S3
  let house: House
  beforeAll(async () => {
    s3 = await startS3()
    await s3.makeBucket('desk')
    await s3.makeBucket('small', 30_000)
    house = await openHouse({ S3_URL: s3.url('desk') })
  })
  afterAll(async () => {
    await house?.close()
    await s3?.stop()
  })

  test('both doors put them there, serve them and take them away; nothing lies on the disk', async () => {
    const { alice, dan } = house
    const made = await alice.api('POST', '/media', form('file', [await picture()]))
    expect(made.status).toBe(201)
    const { id } = made.body
    const folder = `media/${alice.tenant.id}`
    expect(await stored(house, folder)).toEqual([`${folder}/${id}`, `${folder}/${id}.thumbnail`])
    const served = await house.app.handle(
      new Request(`http://localhost/api/v1/media/${id}/file`, {
        headers: { authorization: `Bearer ${alice.key}` },
      }),
    )
    expect((await sharp(await served.bytes()).metadata()).width).toBe(40)
    const page = await alice.page(
      'POST',
      '/w/northwind/media',
      form('files', [await picture(), await picture()]),
    )
    expect(page.status).toBe(303)
    expect(await stored(house, folder)).toHaveLength(6)
    const shown = await alice.page('GET', `/w/northwind/media/${id}/file?size=thumbnail`)
    expect([shown.status, shown.headers.get('content-type')]).toEqual([200, 'image/webp'])
    expect((await dan.api('GET', `/media/${id}/file`)).status).toBe(404)
    expect((await alice.api('DELETE', `/media/${id}`)).status).toBe(204)
    expect(await stored(house, folder)).toHaveLength(4)
    expect(readdirSync(house.services.config.dataDir).filter(name => name !== 'secret')).toEqual([])
  })

  test('erasing takes one workspace’s folder and leaves the other’s', async () => {
    const { alice, dan, services } = house
    expect((await dan.api('POST', '/media', form('file', [await picture()]))).status).toBe(201)
    await services.files.removeTenant(alice.tenant.id)
    expect(await stored(house, `media/${alice.tenant.id}`)).toEqual([])
    expect(await stored(house, `media/${dan.tenant.id}`)).toHaveLength(2)
  })

  test('a full bucket: 507 in words at both doors, no row, no half', async () => {
    const full = await openHouse({ S3_URL: s3.url('small') })
    try {
      const api = await full.alice.api('POST', '/media', form('file', [await picture(200)]))
      expect([api.status, api.body.code]).toEqual([507, 'storage_full'])
      expect(api.body.detail).toContain('is full')
      const page = await full.alice.page('POST', '/w/northwind/media', form('files', [await picture(200)]))
      expect(page.status).toBe(507)
      expect(page.html).toContain('the storage of this Masthead is full')
      expect(await rows(full)).toBe(0)
      expect(await stored(full, `media/${full.alice.tenant.id}`)).toEqual([])
    } finally {
      await full.close()
    }
  })

  test('a wrong key stops the start with the cure; a server that is away only warns', async () => {
    const wrong = s3Storage(new URL(s3.url('desk', { secret: 'wrong' })))
    const stopped = readyStorage({ storage: wrong, log: quiet })
    await expect(stopped).rejects.toBeInstanceOf(Stop)
    await expect(stopped).rejects.toThrow('does not accept the key and secret of S3_URL')
    await expect(
      readyStorage({ storage: s3Storage(new URL(s3.url('missing'))), log: quiet }),
    ).rejects.toThrow('There is no bucket “missing”')
    const said: string[] = []
    const log = { ...quiet, warn: (what: string) => void said.push(what) }
    await readyStorage({ storage: s3Storage(new URL('http://k:s@127.0.0.1:9/desk')), log })
    expect(said).toEqual(['the file storage does not work'])
  })

  test('when it is away, an upload says so and leaves no row, and pages go on', async () => {
    const away = await openHouse({ S3_URL: 'http://key:secret@127.0.0.1:9/desk?region=us-east-1' })
    try {
      const api = await away.alice.api('POST', '/media', form('file', [await picture()]))
      expect([api.status, api.body.code]).toEqual([503, 'unavailable'])
      expect(Number(api.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(api.body.detail).toContain('file storage of this Masthead')
      expect(JSON.stringify(api.body)).not.toContain('127.0.0.1')
      const page = await away.alice.page('POST', '/w/northwind/media', form('files', [await picture()]))
      expect(page.status).toBe(503)
      expect(await rows(away)).toBe(0)
      expect((await away.alice.page('GET', '/w/northwind/media')).status).toBe(200)
    } finally {
      await away.close()
    }
  })
})

describe('pictures on a full disk', () => {
  test.skipIf(!canMount())(
    '507 in words at both doors, no row, no half, and the next one that fits goes in',
    async () => {
      const disk = smallDisk('100k')
      const house = await openHouse({ DATA_DIR: disk.path })
      try {
        const api = await house.alice.api('POST', '/media', form('file', [await picture(250)]))
        expect([api.status, api.body.code]).toEqual([507, 'storage_full'])
        const page = await house.alice.page(
          'POST',
          '/w/northwind/media',
          form('files', [await picture(250), await picture()]),
        )
        expect(page.status).toBe(507)
        expect(page.html).toContain('the storage of this Masthead is full')
        expect(await rows(house)).toBe(0)
        expect(await stored(house, `media/${house.alice.tenant.id}`)).toEqual([])
        expect((await house.alice.api('POST', '/media', form('file', [await picture()]))).status).toBe(201)
      } finally {
        await house.close()
        disk.remove()
      }
    },
  )
})
