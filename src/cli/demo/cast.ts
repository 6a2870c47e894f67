import { changeAccount } from '../../accounts/accounts.ts'
import { askPlatform, saveAccount } from '../../accounts/connect.ts'
import { listAccounts } from '../../accounts/find.ts'
import { hashPassword } from '../../auth/password.ts'
import type { Actor } from '../../db/scope.ts'
import { record } from '../../events.ts'
import type { Role } from '../../permissions.ts'
import type { Services } from '../../services.ts'
import { addUser } from '../../team/users.ts'
import { changeWorkspace, foundWorkspace } from '../../team/workspace.ts'

export const slug = 'northwind'
export const zone = 'Europe/Berlin'
/** One for all four: this is a demo, and its data is made up. */
export const password = 'a warm cup by the window'

export const people = {
  alice: { name: 'Alice Hansen', email: 'alice@northwind.example', role: 'owner' },
  bob: { name: 'Bob Petersen', email: 'bob@northwind.example', role: 'editor' },
  ines: { name: 'Ines Duarte', email: 'ines@northwind.example', role: 'author' },
  cora: { name: 'Cora Lindqvist', email: 'cora@northwind.example', role: 'reviewer' },
} as const satisfies Record<string, { name: string; email: string; role: Role }>
export type PersonName = keyof typeof people

/** Pretend networks, each with manners of its own; the feed is real. */
export const networks = {
  board: { name: 'Neighbourhood board', settings: {} },
  harbour: { name: 'Harbour bulletin', settings: { answer: 'lost' } },
  trade: { name: 'Trade list', settings: { answer: 'rejected' } },
  market: { name: 'Market page', settings: {} },
} as const
export type AccountName = 'feed' | keyof typeof networks

export interface Cast {
  tenantId: string
  people: Record<PersonName, Actor>
  system: Actor
  accounts: Record<AccountName, string>
}

/** Founds the workspace with its people and accounts, as the set-up page and the accounts page do. */
export async function assembleCast(services: Services): Promise<Cast> {
  const { db, config } = services
  const { alice } = people
  const { tenant, ownerId } = await foundWorkspace(db, config.secret, {
    slug,
    name: 'Northwind Coffee',
    zone,
    country: 'DE',
    ownerName: alice.name,
    email: alice.email,
    password,
  })
  const system: Actor = { tenantId: tenant.id, userId: null, role: 'system' }
  const owner: Actor = { tenantId: tenant.id, userId: ownerId, role: alice.role }
  await db.within(system, scope => record(scope, 'workspace.changed', tenant.id, { demo: 'begun' }))
  const passwordHash = await hashPassword(password)
  const join = async (name: PersonName): Promise<Actor> => {
    const { role } = people[name]
    const id = await db.within(system, scope => addUser(scope, { ...people[name], passwordHash }))
    return { tenantId: tenant.id, userId: id, role }
  }
  const connect = async (network: keyof typeof networks): Promise<string> => {
    const { name, settings } = networks[network]
    const connected = await askPlatform(services.outbound, { platform: 'rehearsal', settings })
    return db.within(owner, async scope => {
      const { id } = await saveAccount(scope, 'rehearsal', connected)
      await changeAccount(scope, id, { name })
      return id
    })
  }
  const [feed] = await db.within(owner, async scope => {
    await changeWorkspace(scope, { approvalRequired: true })
    return listAccounts(scope)
  })
  return {
    tenantId: tenant.id,
    people: { alice: owner, bob: await join('bob'), ines: await join('ines'), cora: await join('cora') },
    system,
    accounts: {
      feed: feed?.id ?? '',
      board: await connect('board'),
      harbour: await connect('harbour'),
      trade: await connect('trade'),
      market: await connect('market'),
    },
  }
}
