import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { saveContent } from '../src/content/content.ts'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

const make = async (who: Person, body: unknown) => {
  const answer = await who.api('POST', '/content', body)
  expect(answer.status).toBe(201)
  return answer.body as { id: string; version: number; text: string; state: string; tags: string[] }
}
const hostile = '<script>alert(1)</script> "quoted" \'single\' & ‮rtl עברית 👩‍👩‍👧‍👦 \\ %_ $(x)\n\nline'

describe('writing', () => {
  test('a new piece is a draft with version 1, in exactly the promised shape', async () => {
    const piece = await make(house.ann, {
      text: 'The autumn roast is back.',
      tags: [' Autumn ', 'autumn', 'Roast'],
    })
    expect(piece).toEqual({
      id: expect.any(String),
      text: 'The autumn roast is back.',
      state: 'draft',
      version: 1,
      media: [],
      thread: [],
      firstComment: '',
      variants: [],
      tags: ['autumn', 'roast'],
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      updatedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    } as never)
    const read = await house.cora.api('GET', `/content/${piece.id}`)
    expect(read.body).toEqual(piece)
  })

  test('hostile text comes back as it was sent', async () => {
    const piece = await make(house.ann, { text: hostile, tags: ["<b>'&"] })
    expect((await house.ann.api('GET', `/content/${piece.id}`)).body).toMatchObject({
      text: hostile,
      tags: ["<b>'&"],
    })
  })

  test('a save makes the next version; the one before stays readable', async () => {
    const piece = await make(house.ann, { text: 'One two three.' })
    const saved = await house.bob.api('PATCH', `/content/${piece.id}`, { text: 'One 2 three, four.' })
    expect(saved.body).toMatchObject({ version: 2, text: 'One 2 three, four.', state: 'draft' })
    const { items } = (await house.ann.api('GET', `/content/${piece.id}/versions`)).body
    expect(items.map((one: { number: number }) => one.number)).toEqual([2, 1])
    expect(items[0]).toMatchObject({
      text: 'One 2 three, four.',
      author: { name: 'Bob' },
      changes: '2 words added, 1 removed',
    })
    expect(items[1]).toMatchObject({
      text: 'One two three.',
      author: { name: 'Ann' },
      changes: 'First version',
    })
  })

  test('saving the same words or only tags makes no version', async () => {
    const piece = await make(house.ann, { text: 'Same.' })
    expect((await house.ann.api('PATCH', `/content/${piece.id}`, { text: 'Same.' })).body.version).toBe(1)
    const tagged = await house.ann.api('PATCH', `/content/${piece.id}`, { tags: ['new'] })
    expect(tagged.body).toMatchObject({ version: 1, tags: ['new'] })
  })

  test('a stale version is refused in words, and nothing is lost', async () => {
    const piece = await make(house.ann, { text: 'Base.' })
    await house.bob.api('PATCH', `/content/${piece.id}`, { text: 'Bob’s.', version: 1 })
    const stale = await house.ann.api('PATCH', `/content/${piece.id}`, { text: 'Ann’s.', version: 1 })
    expect(stale.status).toBe(409)
    expect(stale.body.detail).toContain('Bob saved version 2')
    expect((await house.ann.api('GET', `/content/${piece.id}`)).body.text).toBe('Bob’s.')
  })

  test('a save that meets another one waits for it, then is told', async () => {
    const piece = await make(house.ann, { text: 'Base.' })
    const { db } = house.services
    const actor = { tenantId: house.bob.tenant.id, userId: house.bob.id, role: 'editor' } as const
    const meeting = await db.within(actor, async scope => {
      await saveContent(scope, piece.id, { text: 'Bob’s.' })
      const other = house.ann.api('PATCH', `/content/${piece.id}`, { text: 'Ann’s.', version: 1 })
      for (let waiting = false; !waiting; ) {
        const rows = await db.owner`
          select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
        waiting = rows.length > 0
      }
      return { other }
    })
    const late = await meeting.other
    expect(late.status).toBe(409)
    expect(late.body.detail).toContain('Bob saved version 2')
  })

  test('a variant of its own for one account', async () => {
    const [account] = (await house.services.db.within(
      { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
      async ({ sql }) => sql`select id from social_accounts`,
    )) as unknown as { id: string }[]
    const variants = [{ accountId: account?.id, text: 'Shorter.' }]
    const piece = await make(house.ann, { text: 'Long.', variants })
    expect(piece).toMatchObject({ variants: [{ accountId: account?.id, text: 'Shorter.', media: null }] })
    const same = await house.ann.api('PATCH', `/content/${piece.id}`, {
      variants: [{ accountId: account?.id, text: null }],
    })
    expect(same.body).toMatchObject({ version: 2, variants: [] })
  })

  test('what cannot be taken is refused by field', async () => {
    const nobody = '01890000-0000-7000-8000-000000000000'
    const cases: [unknown, string][] = [
      [{}, 'text'],
      [{ text: '  \n' }, 'text'],
      [{ text: 5 }, 'text'],
      [{ text: 'x'.repeat(100_001) }, 'text'],
      [{ text: 'x', colour: 'red' }, 'colour'],
      [{ text: 'x', media: 'y' }, 'media'],
      [{ text: 'x', media: [nobody] }, 'media.0'],
      [{ text: 'x', media: ["'; drop table content"] }, 'media.0'],
      [{ text: 'x', media: Array(21).fill(nobody) }, 'media'],
      [{ text: 'x', variants: [{ accountId: nobody, text: 'y' }] }, 'variants.0.accountId'],
      [{ text: 'x', variants: [{ accountId: nobody, text: ' ' }] }, 'variants.0.text'],
      [{ text: 'x', variants: [{ accountId: nobody, words: 'y' }] }, 'variants.0.words'],
      [{ text: 'x', tags: ['a,b'] }, 'tags.0'],
      [{ text: 'x', tags: ['y'.repeat(41)] }, 'tags.0'],
      [{ text: 'x', tags: Array(21).fill('y') }, 'tags'],
      [{ text: 'a\u0000b' }, 'text'],
    ]
    for (const [body, path] of cases) {
      const { status, body: problem } = await house.ann.api('POST', '/content', body)
      expect({ status, paths: problem.errors.map((one: { path: string }) => one.path) }).toEqual({
        status: 422,
        paths: expect.arrayContaining([path]) as never,
      })
    }
    const piece = await make(house.ann, { text: 'x' })
    const patch = (body: unknown) => house.ann.api('PATCH', `/content/${piece.id}`, body)
    expect((await patch({})).status).toBe(422)
    expect((await patch({ text: '' })).status).toBe(422)
    expect((await patch({ version: 1 })).status).toBe(422)
    expect((await patch({ text: 'y', state: 'approved' })).status).toBe(422)
    expect((await house.ann.api('POST', '/content', '{"text":')).body.code).toBe('malformed_body')
    expect((await house.ann.api('POST', '/content', '[]')).status).toBe(422)
    expect((await house.ann.api('POST', '/content')).status).toBe(422)
  })

  test('100,000 characters fit, counted as characters', async () => {
    const piece = await make(house.ann, { text: '🌰'.repeat(100_000) })
    expect([...piece.text]).toHaveLength(100_000)
    const saved = await house.ann.api('PATCH', `/content/${piece.id}`, { text: 'short '.repeat(15_000) })
    expect(saved.status).toBe(200)
    expect((await house.ann.api('GET', `/content/${piece.id}/versions`)).status).toBe(200)
  })

  test('another workspace’s pictures and accounts are not there', async () => {
    const [foreign] = (await house.services.db.within(
      { tenantId: house.dan.tenant.id, userId: null, role: 'system' },
      async ({ sql }) => sql`select id from social_accounts`,
    )) as unknown as { id: string }[]
    const { status, body } = await house.ann.api('POST', '/content', {
      text: 'x',
      variants: [{ accountId: foreign?.id, text: 'y' }],
    })
    expect(status).toBe(422)
    expect(body.errors[0].path).toBe('variants.0.accountId')
  })
})

describe('lists', () => {
  test('page through, last changed first, and narrow by state, tag and words', async () => {
    const made: { id: string }[] = []
    for (let at = 0; at < 5; at++)
      made.push(await make(house.bob, { text: `Listed 100% number ${at}`, tags: ['listed'] }))
    await house.bob.api('PATCH', `/content/${made[0]?.id}`, { text: 'Listed 100% again' })
    const seen: string[] = []
    let cursor = ''
    do {
      const { body } = await house.bob.api('GET', `/content?tag=LISTED&limit=2${cursor}`)
      seen.push(...body.items.map((one: { id: string }) => one.id))
      cursor = body.next ? `&cursor=${encodeURIComponent(body.next)}` : ''
    } while (cursor)
    expect(seen).toEqual([0, 4, 3, 2, 1].map(at => made[at]?.id ?? ''))
    const found = await house.bob.api('GET', '/content?q=100%25%20AGAIN')
    expect(found.body.items.map((one: { id: string }) => one.id)).toEqual([made[0]?.id])
    // Wildcards of SQL are plain characters here.
    expect((await house.bob.api('GET', '/content?tag=listed&q=L_sted')).body.items).toEqual([])
    expect((await house.bob.api('GET', '/content?q=%25&tag=nothing')).body).toEqual({ items: [], next: null })
    expect((await house.bob.api('GET', '/content?state=approved&tag=listed')).body.items).toEqual([])
  })

  test('a wrong query is refused in words', async () => {
    expect((await house.bob.api('GET', '/content?cursor=zzz')).body.code).toBe('bad_cursor')
    for (const query of ['limit=0', 'limit=101', 'limit=x', 'state=lost', 'colour=red', 'tag=a&tag=b'])
      expect((await house.bob.api('GET', `/content?${query}`)).status).toBe(422)
  })

  test('pages lose none of those that changed within one millisecond', async () => {
    const ids = await Promise.all(
      Array.from({ length: 9 }, () =>
        house.bob.api('POST', '/content', { text: 'At once', tags: ['at-once'] }),
      ),
    )
    const table = `${house.bob.tenant.schema}.content`
    const { owner } = house.services.db
    await owner.unsafe(`alter table ${table} disable trigger touch`)
    for (const [n, { body }] of ids.entries())
      await owner.unsafe(
        `update ${table} set updated_at = '2026-03-04 05:06:07.123${n}00+00' where id = '${body.id}'`,
      )
    await owner.unsafe(`alter table ${table} enable trigger touch`)
    const seen: string[] = []
    let cursor = ''
    do {
      const { body } = await house.bob.api('GET', `/content?tag=at-once&limit=2${cursor}`)
      seen.push(...(body.items as { id: string }[]).map(({ id }) => id))
      cursor = body.next ? `&cursor=${encodeURIComponent(body.next)}` : ''
    } while (cursor)
    expect(seen).toEqual(ids.map(({ body }) => body.id as string).reverse())
  })
})

describe('putting away', () => {
  test('archived content leaves the list, takes no change, and comes back as a draft', async () => {
    const piece = await make(house.ann, { text: 'Old.', tags: ['old'] })
    const gone = await house.ann.api('DELETE', `/content/${piece.id}`)
    expect(gone.body.state).toBe('archived')
    expect((await house.ann.api('DELETE', `/content/${piece.id}`)).status).toBe(200)
    expect((await house.ann.api('GET', '/content?tag=old')).body.items).toEqual([])
    expect((await house.ann.api('GET', '/content?tag=old&state=archived')).body.items).toHaveLength(1)
    const change = await house.ann.api('PATCH', `/content/${piece.id}`, { text: 'New.' })
    expect(change.status).toBe(409)
    expect(change.body.detail).toContain('Restore it first')
    const back = await house.ann.api('POST', `/content/${piece.id}/restoration`)
    expect(back.body).toMatchObject({ state: 'draft', version: 1 })
    expect((await house.ann.api('POST', `/content/${piece.id}/restoration`)).status).toBe(409)
  })

  test('a copy is a draft of its own', async () => {
    const piece = await make(house.ann, { text: 'Copied.', tags: ['a'] })
    const copy = await house.bob.api('POST', `/content/${piece.id}/copies`)
    expect(copy.status).toBe(201)
    expect(copy.body).toMatchObject({ text: 'Copied.', tags: ['a'], version: 1, state: 'draft' })
    expect(copy.body.id).not.toBe(piece.id)
  })
})

describe('comments', () => {
  test('everybody here may comment; they come oldest first with their author', async () => {
    const piece = await make(house.ann, { text: 'Talk.' })
    const said = await house.cora.api('POST', `/content/${piece.id}/comments`, { text: ` ${hostile} ` })
    expect(said.status).toBe(201)
    expect(said.body).toMatchObject({ contentId: piece.id, text: hostile, author: { name: 'Cora' } })
    await house.ann.api('POST', `/content/${piece.id}/comments`, { text: 'Second.' })
    const { items } = (await house.bob.api('GET', `/content/${piece.id}/comments`)).body
    expect(items.map((one: { text: string }) => one.text)).toEqual([hostile, 'Second.'])
    for (const body of [{ text: ' ' }, {}, { text: 'x', mood: 'good' }, { text: 'x'.repeat(10_001) }])
      expect((await house.ann.api('POST', `/content/${piece.id}/comments`, body)).status).toBe(422)
  })
})

describe('who may', () => {
  test('roles through the JSON door', async () => {
    const piece = await make(house.ann, { text: 'Roles.' })
    const calls: [string, string, unknown][] = [
      ['POST', '/content', { text: 'x' }],
      ['PATCH', `/content/${piece.id}`, { tags: ['x'] }],
      ['POST', `/content/${piece.id}/copies`, undefined],
      ['DELETE', `/content/${piece.id}`, undefined],
      ['POST', `/content/${piece.id}/restoration`, undefined],
    ]
    for (const [method, path, body] of calls) {
      const refused = await house.cora.api(method, path, body)
      expect(refused.status).toBe(403)
      expect(refused.body.detail).toContain('reviewer')
    }
    for (const who of ['alice', 'bob', 'ann'] as const)
      for (const [method, path, body] of calls)
        expect([200, 201]).toContain((await house[who].api(method, path, body)).status)
  })

  test('to an outsider none of it is there', async () => {
    const piece = await make(house.ann, { text: 'Ours.' })
    for (const id of [piece.id, 'nonsense', "'", piece.id.toUpperCase()])
      for (const [method, path, body] of [
        ['GET', '', undefined],
        ['PATCH', '', { text: 'x' }],
        ['DELETE', '', undefined],
        ['GET', '/versions', undefined],
        ['GET', '/comments', undefined],
        ['POST', '/comments', { text: 'x' }],
        ['POST', '/copies', undefined],
        ['POST', '/restoration', undefined],
        ['POST', '/submission', undefined],
        ['DELETE', '/submission', undefined],
        ['POST', '/approval', undefined],
        ['DELETE', '/approval', undefined],
        ['POST', '/change-request', { note: 'x' }],
      ] as const)
        expect((await house.dan.api(method, `/content/${encodeURIComponent(id)}${path}`, body)).status).toBe(
          404,
        )
    expect((await house.dan.api('GET', '/content')).body.items).toEqual([])
  })
})
