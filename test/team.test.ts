import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type House, openHouse } from './cast.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

describe('people', () => {
  test('a key acts as its maker, in the maker’s workspace', async () => {
    const { status, body } = await house.bob.api('GET', '/me')
    expect(status).toBe(200)
    expect(body.user).toMatchObject({ name: 'Bob', role: 'editor' })
    expect(body.tenant.slug).toBe('northwind')
  })

  test('only owners and admins manage people', async () => {
    const refused = await house.bob.api('PATCH', `/users/${house.cora.id}`, { role: 'admin' })
    expect(refused.status).toBe(403)
    expect(refused.body.detail).toContain('owner, admin')
  })

  test('a workspace keeps at least one owner', async () => {
    expect((await house.alice.api('DELETE', `/users/${house.alice.id}`)).status).toBe(409)
  })

  test('another workspace’s person is not there', async () => {
    expect((await house.dan.api('GET', `/users/${house.alice.id}`)).status).toBe(404)
    expect((await house.dan.api('PATCH', `/users/${house.bob.id}`, { role: 'admin' })).status).toBe(404)
  })
})
