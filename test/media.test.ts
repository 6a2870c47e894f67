import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { addPicture, keepPicture, preparePicture } from '../src/media/media.ts'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

const draw = (colour = '#a34b2c', width = 60, height = 40) =>
  sharp({ create: { width, height, channels: 3, background: colour } })
const png = async (colour?: string) => (await draw(colour).png().toBuffer()) as Uint8Array<ArrayBuffer>
const file = (bytes: Uint8Array<ArrayBuffer>, name = 'cup.png') =>
  new File([bytes], name, { type: 'image/png' })

function form(fields: Record<string, string | File | File[]>): FormData {
  const data = new FormData()
  for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) data.append(name, one)
  return data
}
async function upload(person: Person = house.alice, alt = 'A cup'): Promise<string> {
  const made = await person.api('POST', '/media', form({ file: file(await png()), alt }))
  expect(made.status).toBe(201)
  return made.body.id
}
const bytesOf = (id: string) => house.services.files.read(house.alice.tenant.id, id, 'full')
const count = async (table: string) =>
  (
    await house.services.db.owner.unsafe(
      `select count(*)::int as n from ${house.alice.tenant.schema}.${table}`,
    )
  )[0]?.n as number

async function raw(person: Person, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return house.app.handle(
    new Request(`http://localhost${path}`, { headers: { cookie: await person.cookie(), ...headers } }),
  )
}

describe('media', () => {
  test('a picture is taken by its content, written anew, and read back', async () => {
    const camera = await draw('#334455', 80, 50)
      .withExif({ IFD0: { Make: 'CANARY CAMERA' } })
      .jpeg()
      .toBuffer()
    expect(camera.includes('CANARY')).toBe(true)
    const sent = form({
      file: file(camera as Uint8Array<ArrayBuffer>, '..\\secret/odd\u0007 name.gif'),
      alt: ' Two cups ',
    })
    const { status, body } = await house.ann.api('POST', '/media', sent)
    expect(status).toBe(201)
    expect(body).toMatchObject({
      type: 'image/jpeg',
      width: 80,
      height: 50,
      alt: 'Two cups',
      name: 'odd name.gif',
    })
    expect(body.url).toBe(`/api/v1/media/${body.id}/file`)
    const answer = await house.app.handle(
      new Request(`http://localhost${body.url}`, { headers: { authorization: `Bearer ${house.cora.key}` } }),
    )
    expect(answer.headers.get('content-type')).toBe('image/jpeg')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toBe('sandbox')
    expect(answer.headers.get('cache-control')).toStartWith('private')
    const stored = await answer.bytes()
    expect(stored.byteLength).toBe(body.bytes)
    expect(Buffer.from(stored).includes('CANARY')).toBe(false)
  })

  test('the page serves both sizes, and 304 to a browser that has them', async () => {
    const id = await upload()
    const path = `/w/northwind/media/${id}/file`
    const full = await raw(house.cora, path)
    const small = await raw(house.cora, `${path}?size=thumbnail`)
    expect([full.headers.get('content-type'), small.headers.get('content-type')]).toEqual([
      'image/png',
      'image/webp',
    ])
    const etag = full.headers.get('etag') ?? ''
    expect((await raw(house.cora, path, { 'if-none-match': etag })).status).toBe(304)
    expect((await raw(house.cora, `${path}?size=thumbnail`, { 'if-none-match': etag })).status).toBe(200)
    expect(small.headers.get('content-security-policy')).toBe('sandbox')
  })

  test.each([
    ['a GIF', new TextEncoder().encode('GIF89a and more'), 'GIF'],
    ['a drawing with scripts', new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>'), 'SVG'],
    ['nothing', new Uint8Array(), 'empty'],
    ['half a picture', new Uint8Array([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2]), 'damaged'],
  ])('%s is refused in words, and nothing is kept', async (_name, bytes, words) => {
    const before = await count('media')
    const refused = await house.alice.api('POST', '/media', form({ file: file(bytes), alt: '' }))
    expect(refused.status).toBe(422)
    expect(refused.body.errors[0].path).toBe('file')
    expect(refused.body.detail).toContain(words)
    expect(await count('media')).toBe(before)
  })

  test('what is missing or too much is named', async () => {
    const bytes = await png()
    const paths = async (data: unknown) =>
      (await house.alice.api('POST', '/media', data)).body.errors?.[0]?.path
    expect(await paths(form({ alt: 'no file' }))).toBe('file')
    expect(await paths(form({ file: 'a text', alt: '' }))).toBe('file')
    expect(await paths(form({ file: file(bytes), alt: 'x'.repeat(10_001) }))).toBe('alt')
    expect(await paths(form({ file: file(bytes), tenant: 'x' }))).toBe('tenant')
    const big = new File([new Uint8Array(22 * 1024 * 1024)], 'big.png')
    expect((await house.alice.api('POST', '/media', form({ file: big }))).status).toBe(413)
  })

  test('a repeat with the same Idempotency-Key makes one picture and leaves no spare bytes', async () => {
    const key = { 'idempotency-key': crypto.randomUUID() }
    const bytes = await png('#123456')
    const data = () => form({ file: file(bytes), alt: 'Once' })
    const first = await house.alice.api('POST', '/media', data(), key)
    const kept = await folder()
    const again = await house.alice.api('POST', '/media', data(), key)
    expect(again.body).toEqual(first.body)
    expect(await folder()).toEqual(kept)
  })

  const folder = async () =>
    (
      await Array.fromAsync(
        new Bun.Glob('**/*').scan(`${house.services.config.dataDir}/media/${house.alice.tenant.id}`),
      )
    ).sort()

  test('when the row cannot be saved the bytes go again', async () => {
    const kept = await folder()
    const prepared = await preparePicture(await png('#abcdef'))
    const { db, files } = house.services
    const actor = { tenantId: house.alice.tenant.id, userId: null, role: 'system' } as const
    const saving = keepPicture(files, actor.tenantId, prepared, () =>
      db.within(actor, async scope => {
        await addPicture(scope, prepared)
        expect(await bytesOf(prepared.id)).not.toBeNull()
        throw new Error('the disk is full')
      }),
    )
    await expect(saving).rejects.toThrow('the disk is full')
    expect(await folder()).toEqual(kept)
  })

  test('alt text and name change; an unknown field is refused', async () => {
    const id = await upload()
    const changed = await house.ann.api('PATCH', `/media/${id}`, { alt: 'Beans', name: 'beans.png' })
    expect(changed.body).toMatchObject({ alt: 'Beans', name: 'beans.png' })
    expect((await house.ann.api('PATCH', `/media/${id}`, { type: 'text/html' })).status).toBe(422)
    expect((await house.cora.api('PATCH', `/media/${id}`, { alt: 'x' })).status).toBe(403)
    expect((await house.cora.api('POST', '/media', form({ file: file(await png()) }))).status).toBe(403)
    expect((await house.cora.api('DELETE', `/media/${id}`)).status).toBe(403)
  })

  test('lists go on by cursor, and a made-up cursor is refused', async () => {
    for (let n = 0; n < 3; n += 1) await upload()
    const seen: string[] = []
    let next: string | null = ''
    while (next !== null) {
      const page = await house.alice.api('GET', `/media?limit=2${next ? `&cursor=${next}` : ''}`)
      expect(page.body.items.length).toBeLessThanOrEqual(2)
      seen.push(...page.body.items.map((item: { id: string }) => item.id))
      next = page.body.next
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual([...seen].sort().reverse())
    expect((await house.alice.api('GET', '/media?cursor=nonsense')).body.code).toBe('bad_cursor')
    const sql = Buffer.from(JSON.stringify(["'; drop table media"])).toString('base64url')
    expect((await house.alice.api('GET', `/media?cursor=${sql}`)).body.code).toBe('bad_cursor')
    expect((await house.alice.api('GET', '/media?limit=101')).status).toBe(422)
  })

  test('a picture that is still to go out stays; one that is out keeps its bytes; an unused one is gone', async () => {
    const id = await upload()
    const { items } = (await house.alice.api('GET', '/accounts')).body
    const content = await house.alice.api('POST', '/content', { text: 'With a cup', media: [id] })
    expect(content.status).toBe(201)
    const at = new Date(Date.now() + 3_600_000).toISOString()
    const jobs = await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [items[0].id],
      at,
    })
    expect(jobs.status).toBe(201)
    const refused = await house.alice.api('DELETE', `/media/${id}`)
    expect(refused.status).toBe(409)
    expect(refused.body.detail).toContain('still to go out')
    await house.alice.api('DELETE', `/publish-jobs/${jobs.body.items[0].id}`)
    expect((await house.alice.api('DELETE', `/media/${id}`)).status).toBe(204)
    expect((await house.alice.api('GET', `/media/${id}`)).status).toBe(404)
    expect(await bytesOf(id)).not.toBeNull()
    expect((await raw(house.alice, `/w/northwind/media/${id}/file`)).status).toBe(200)
    const unused = await upload()
    expect((await house.alice.api('DELETE', `/media/${unused}`)).status).toBe(204)
    expect(await bytesOf(unused)).toBeNull()
    expect((await raw(house.alice, `/w/northwind/media/${unused}/file`)).status).toBe(404)
  })

  test('a picture that only a variant shows stays as well', async () => {
    const id = await upload()
    const { items } = (await house.alice.api('GET', '/accounts')).body
    const variants = [{ accountId: items[0].id, text: null, media: [id] }]
    const content = await house.alice.api('POST', '/content', { text: 'Plain', variants })
    const at = new Date(Date.now() + 3_600_000).toISOString()
    await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, { accounts: [items[0].id], at })
    expect((await house.alice.api('DELETE', `/media/${id}`)).status).toBe(409)
  })

  test('another workspace’s picture is not there', async () => {
    const id = await upload()
    const bytes = await bytesOf(id)
    for (const [method, path, body] of [
      ['GET', `/media/${id}`],
      ['GET', `/media/${id}/file`],
      ['PATCH', `/media/${id}`, { alt: 'mine' }],
      ['DELETE', `/media/${id}`],
    ] as const)
      expect((await house.dan.api(method, path, body)).status).toBe(404)
    expect((await raw(house.dan, `/w/southpaw/media/${id}/file`)).status).toBe(404)
    expect((await house.dan.page('POST', `/w/southpaw/media/${id}`, { alt: 'mine' })).status).toBe(404)
    expect((await house.dan.page('POST', `/w/southpaw/media/${id}/removal`, {})).status).toBe(404)
    for (const odd of ['nonsense', '..%2f..%2fsecret', '00000000-0000-7000-8000-000000000000'])
      expect((await raw(house.alice, `/w/northwind/media/${odd}/file`)).status).toBe(404)
    expect((await house.anyone('GET', `/feed/northwind/media/${id}`)).status).toBe(404)
    expect((await house.alice.api('GET', `/media/${id}`)).body.alt).toBe('A cup')
    expect(await bytesOf(id)).toEqual(bytes)
  })
})

describe('the media page', () => {
  test('shows an empty library with its next step', async () => {
    const { html } = await house.dan.page('GET', '/w/southpaw/media')
    expect(html.includes('No pictures yet')).toBe(true)
    expect(html.includes('Add pictures')).toBe(true)
  })

  test('takes several at once, and says which it did not', async () => {
    const files = [file(await png('#111111'), 'one.png'), file(await png('#222222'), 'two.png')]
    const both = await house.ann.page('POST', '/w/northwind/media', form({ files }))
    expect(both.location).toBe('/w/northwind/media')
    const mixed = await house.ann.page(
      'POST',
      '/w/northwind/media',
      form({ files: [file(await png(), 'good.png'), new File(['GIF89a...'], '<b>bad.gif')] }),
    )
    expect(mixed.status).toBe(303)
    expect(decodeURIComponent(mixed.headers.get('set-cookie') ?? '')).toContain('GIF')
    const none = await house.ann.page(
      'POST',
      '/w/northwind/media',
      form({ files: [new File(['GIF89a...'], '<b>bad.gif')] }),
    )
    expect(none.status).toBe(422)
    expect(none.html.includes('&lt;b&gt;bad.gif')).toBe(true)
    expect(
      (await house.ann.page('POST', '/w/northwind/media', form({ files: [new File([], '')] }))).status,
    ).toBe(422)
    const listed = await house.cora.page('GET', '/w/northwind/media')
    for (const name of ['one.png', 'two.png', 'good.png']) expect(listed.html.includes(name)).toBe(true)
    expect(listed.html.includes('Alt text missing')).toBe(true)
    expect(listed.html.includes('removal')).toBe(false)
  })

  test('alt text is written in place, and a refused one comes back', async () => {
    const id = await upload(house.alice, '')
    const saved = await house.alice.page('POST', `/w/northwind/media/${id}`, {
      alt: '"><script>alert(1)</script>',
    })
    expect(saved.location).toBe(`/w/northwind/media#picture-${id}`)
    const { html } = await house.alice.page('GET', '/w/northwind/media')
    expect(html.includes('"><script>')).toBe(false)
    const long = 'a'.repeat(10_001)
    const back = await house.alice.page('POST', `/w/northwind/media/${id}`, { alt: long })
    expect(back.status).toBe(422)
    expect(back.html.includes(long)).toBe(true)
    expect(back.html.includes('has at most 10000 characters')).toBe(true)
    expect((await house.alice.page('POST', `/w/northwind/media/${id}/removal`, {})).location).toBe(
      '/w/northwind/media',
    )
  })
})
