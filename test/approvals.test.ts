import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

const make = async (who: Person, text = 'Words.'): Promise<string> =>
  (await who.api('POST', '/content', { text })).body.id
const submitted = async (who: Person, text?: string): Promise<string> => {
  const id = await make(who, text)
  expect((await who.api('POST', `/content/${id}/submission`)).status).toBe(201)
  return id
}
const stateOf = async (id: string) => (await house.alice.api('GET', `/content/${id}`)).body.state as string
const events = async (id: string): Promise<string[]> => {
  const rows = await house.services.db.within(
    { tenantId: house.alice.tenant.id, userId: null, role: 'system' },
    async ({ sql }) => [...(await sql`select type from events where subject_id = ${id} order by id`)],
  )
  return rows.map(row => row.type as string)
}

describe('a review', () => {
  test('draft, submitted, sent back, saved, submitted, approved, changed: a draft again', async () => {
    const id = await submitted(house.ann)
    expect(await stateOf(id)).toBe('in_review')
    const back = await house.cora.api('POST', `/content/${id}/change-request`, { note: ' Warmer, please. ' })
    expect(back.status).toBe(201)
    expect(back.body.state).toBe('changes_requested')
    await house.ann.api('PATCH', `/content/${id}`, { text: 'Warm words.' })
    expect(await stateOf(id)).toBe('changes_requested')
    await house.ann.api('POST', `/content/${id}/submission`)
    const approved = await house.cora.api('POST', `/content/${id}/approval`, { version: 2 })
    expect(approved.status).toBe(201)
    expect(approved.body).toMatchObject({ state: 'approved', version: 2 })
    await house.ann.api('PATCH', `/content/${id}`, { tags: ['warm'] })
    expect(await stateOf(id)).toBe('approved')
    await house.ann.api('PATCH', `/content/${id}`, { text: 'Other words.' })
    expect(await stateOf(id)).toBe('draft')
    expect(await events(id)).toEqual([
      'content.created',
      'content.submitted',
      'content.changes_requested',
      'content.updated',
      'content.submitted',
      'content.approved',
      'content.updated',
      'content.updated',
    ])
  })

  test('an approval covers the version that was looked at', async () => {
    const id = await submitted(house.ann)
    await house.ann.api('PATCH', `/content/${id}`, { text: 'Slipped in.' })
    const late = await house.cora.api('POST', `/content/${id}/approval`, { version: 1 })
    expect(late.status).toBe(409)
    expect(late.body.detail).toContain('Ann saved version 2')
    expect(await stateOf(id)).toBe('in_review')
  })

  test('nobody but owner and admin approves their own words', async () => {
    const own = await submitted(house.bob)
    const refused = await house.bob.api('POST', `/content/${own}/approval`)
    expect(refused.status).toBe(403)
    expect(refused.body.detail).toContain('You wrote this yourself')
    const touched = await submitted(house.ann)
    await house.bob.api('PATCH', `/content/${touched}`, { text: 'Bob’s touch.' })
    expect((await house.bob.api('POST', `/content/${touched}/approval`)).status).toBe(403)
    expect((await house.cora.api('POST', `/content/${touched}/approval`)).status).toBe(201)
    const alices = await submitted(house.alice)
    expect((await house.alice.api('POST', `/content/${alices}/approval`)).status).toBe(201)
  })

  test('an approval and a submission can be taken back', async () => {
    const id = await submitted(house.ann)
    await house.cora.api('POST', `/content/${id}/approval`)
    const withdrawn = await house.bob.api('DELETE', `/content/${id}/approval`)
    expect(withdrawn.status).toBe(200)
    expect(withdrawn.body.state).toBe('in_review')
    expect((await house.bob.api('DELETE', `/content/${id}/approval`)).status).toBe(409)
    expect((await house.ann.api('DELETE', `/content/${id}/submission`)).body.state).toBe('draft')
    expect((await house.ann.api('DELETE', `/content/${id}/submission`)).status).toBe(409)
    expect((await events(id)).slice(-2)).toEqual(['content.withdrawn', 'content.withdrawn'])
  })

  test('what does not fit the state is refused in words', async () => {
    const draft = await make(house.ann)
    for (const [method, path, body, words] of [
      ['POST', 'approval', undefined, 'Submit it for review first'],
      ['DELETE', 'approval', undefined, 'is not approved'],
      ['POST', 'change-request', { note: 'x' }, 'Leave a comment instead'],
    ] as const) {
      const { status, body: problem } = await house.bob.api(method, `/content/${draft}/${path}`, body)
      expect({ status, code: problem.code }).toEqual({ status: 409, code: 'conflict' })
      expect(problem.detail).toContain(words)
    }
    await house.ann.api('POST', `/content/${draft}/submission`)
    expect((await house.ann.api('POST', `/content/${draft}/submission`)).body.detail).toContain(
      'waits for review',
    )
    await house.bob.api('POST', `/content/${draft}/approval`)
    expect((await house.bob.api('POST', `/content/${draft}/approval`)).body.detail).toContain(
      'approved already',
    )
    expect((await house.ann.api('POST', `/content/${draft}/submission`)).status).toBe(409)
    await house.ann.api('DELETE', `/content/${draft}`)
    expect((await house.ann.api('POST', `/content/${draft}/submission`)).body.detail).toContain('archived')
  })

  test('bodies are strict', async () => {
    const id = await submitted(house.ann)
    for (const body of [{}, { note: ' ' }, { note: 3 }, { note: 'x', mood: 'bad' }])
      expect((await house.bob.api('POST', `/content/${id}/change-request`, body)).status).toBe(422)
    expect((await house.bob.api('POST', `/content/${id}/approval`, { version: 'one' })).status).toBe(422)
    expect((await house.bob.api('POST', `/content/${id}/approval`, { as: 'boss' })).status).toBe(422)
    expect(await stateOf(id)).toBe('in_review')
  })
})

describe('who may', () => {
  // Content of Ann, answered by each: [submit, approve, ask for changes, withdraw]
  const table = {
    alice: [201, 201, 201, 200],
    bob: [201, 201, 201, 200],
    cora: [403, 201, 201, 200],
    ann: [201, 403, 403, 403],
    dan: [404, 404, 404, 404],
  } as const
  for (const [name, [submit, approve, ask, withdraw]] of Object.entries(table))
    test(`${name} through the JSON door`, async () => {
      const who = house[name as keyof typeof table]
      const draft = await make(house.ann)
      expect((await who.api('POST', `/content/${draft}/submission`)).status).toBe(submit)
      const one = await submitted(house.ann)
      expect((await who.api('POST', `/content/${one}/approval`)).status).toBe(approve)
      const two = await submitted(house.ann)
      expect((await who.api('POST', `/content/${two}/change-request`, { note: 'x' })).status).toBe(ask)
      const three = await submitted(house.ann)
      await house.alice.api('POST', `/content/${three}/approval`)
      expect((await who.api('DELETE', `/content/${three}/approval`)).status).toBe(withdraw)
    })
})
