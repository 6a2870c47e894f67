import { join } from 'node:path'
import { ownerUser, startEmbedded } from '../db/embedded.ts'
import { type Address, openPool, type Sql, waitFor } from '../db/pool.ts'
import { derivePassword } from '../lib/seal.ts'
import type { Bench } from './command.ts'

/** The owner's connection alone, without migrating: for looking at migrations and undoing them. */
export async function withOwner<T>({ config, log }: Bench, work: (owner: Sql) => Promise<T>): Promise<T> {
  const { address, shown } = await ownerAddress({ config, log })
  const owner = openPool(address, { name: 'masthead command', max: 4 })
  try {
    await waitFor(owner, shown, log)
    return await work(owner)
  } finally {
    await owner.end({ timeout: 3 })
  }
}

async function ownerAddress({ config, log }: Bench): Promise<{ address: Address; shown: string }> {
  const url = config.databaseOwnerUrl ?? config.databaseUrl
  if (url) return { address: { url }, shown: new URL(url).host }
  const password = derivePassword(config.secret, 'database owner')
  const { socket } = await startEmbedded(config.dataDir, password, log)
  return {
    address: { socket, user: ownerUser, password, database: 'masthead' },
    shown: join(config.dataDir, 'postgres'),
  }
}
