import { keyStates } from '../db/keys.ts'
import { Stop } from '../errors.ts'
import { openStorage } from '../storage/open.ts'
import { dropFormerKeys, snapshotsByKey } from '../tenants/former-keys.ts'
import { sealedByKey } from '../tenants/reseal.ts'
import { type Rotation, rotateKeys } from '../tenants/rotate.ts'
import { bench, print, readArgs, runCommand, withDatabase } from './command.ts'
import { progress } from './progress.ts'

const help = `The keys that seal each workspace's secrets. Works while the app is running.

  bun run keys rotate [--tenant <slug>] [--json]
      Gives every workspace, or one, a new key and seals its secrets anew. It takes about two minutes, because it
      waits until every running process must know the new keys. Interrupted, it goes on when it is called again.
      A former key stays until nothing needs it: answers kept for 24 hours, and snapshots until they age out.
  bun run keys status [--tenant <slug>] [--json]
      Shows the key in use, and what former keys are still kept for.`

const options = { tenant: { type: 'string' }, json: { type: 'boolean' } } as const

async function rotate(args: string[]): Promise<void> {
  const { values } = readArgs(args, options)
  const { config, log } = bench()
  await withDatabase({ config, log }, async db => {
    const slug = values.tenant ?? null
    if (slug !== null && (await keyStates(db.owner, slug)).length === 0)
      throw new Stop(`There is no workspace "${slug}": see tenant list.`)
    const done = await rotateKeys(db, config.secret, slug, progress)
    const dropped = await dropFormerKeys(db, openStorage(config))
    if (values.json) print(JSON.stringify({ ok: isWhole(done), ...done, dropped }))
    else say(done, dropped)
    if (!isWhole(done)) throw new Stop(whatIsLeft(done))
  })
}

const isWhole = ({ failed, unreadable }: Rotation) => failed.length === 0 && unreadable.length === 0

const counted = (count: number, one: string, more: string) =>
  `${count.toLocaleString('en')} ${count === 1 ? one : more}`

function say({ tenants, finished, resealed }: Rotation, dropped: number): void {
  if (tenants === 0) {
    print('There is no workspace yet, so there are no keys to change.')
    return
  }
  const secrets = counted(resealed, 'secret', 'secrets')
  const workspaces = counted(tenants, 'workspace', 'workspaces')
  print(
    finished
      ? `A change of keys that was cut off is finished for ${workspaces}: ${secrets} sealed anew. Call it again for further keys.`
      : `New keys for ${workspaces}; ${secrets} sealed anew.`,
  )
  if (dropped > 0)
    print(`Removed ${counted(dropped, 'former key', 'former keys')} that nothing needs any more.`)
}

function whatIsLeft({ failed, unreadable }: Rotation): string {
  const [failure] = failed
  if (failure)
    return `${counted(failed.length, 'workspace is', 'workspaces are')} not through, the first is ${failure.slug} (${failure.why}): call it again to go on.`
  const [value] = unreadable
  return `${counted(unreadable.length, 'secret opens', 'secrets open')} with no key and ${unreadable.length === 1 ? 'was' : 'were'} left as found, the first in ${value?.table} of ${value?.slug} (${value?.id}): connect that account again, or make that workflow anew.`
}

async function status(args: string[]): Promise<void> {
  const { values } = readArgs(args, options)
  const { config, log } = bench()
  const storage = openStorage(config)
  await withDatabase({ config, log }, async db => {
    const states = await keyStates(db.owner, values.tenant ?? null)
    if (values.tenant !== undefined && states.length === 0)
      throw new Stop(`There is no workspace "${values.tenant}": see tenant list.`)
    const shown = []
    for (const { tenantId, slug, current, next, former } of states) {
      const [sealed, snapshots] =
        former.length === 0
          ? [new Map<number, number>(), new Map<number, number>()]
          : [
              await db.within({ tenantId, userId: null, role: 'system' }, sealedByKey, { readOnly: true }),
              await snapshotsByKey(storage, tenantId),
            ]
      shown.push({
        slug,
        key: current,
        next,
        former: former.map(({ id, retiredAt, resealedAt }) => ({
          key: id,
          retiredAt: retiredAt.toISOString(),
          resealedAt: resealedAt?.toISOString() ?? null,
          values: sealed.get(id) ?? 0,
          snapshots: snapshots.get(id) ?? 0,
        })),
      })
    }
    if (values.json) return print(JSON.stringify(shown))
    if (shown.length === 0)
      return print('There is no workspace yet: open the app, or see tenant create --help.')
    const width = Math.max(...shown.map(({ slug }) => slug.length))
    for (const one of shown) {
      const notes = [
        ...(one.next === null ? [] : [`key ${one.next} is made but not in use: call keys rotate to go on`]),
        ...one.former.map(
          ({ key, retiredAt, resealedAt, values: sealed, snapshots }) =>
            `key ${key} until ${retiredAt.slice(0, 16).replace('T', ' ')} UTC, ${
              resealedAt === null
                ? 'not all sealed anew: call keys rotate to go on'
                : sealed + snapshots === 0
                  ? 'needed by nothing, goes within two hours'
                  : `kept for ${counted(sealed, 'value', 'values')} and ${counted(snapshots, 'snapshot', 'snapshots')}`
            }`,
        ),
      ]
      print([`${one.slug.padEnd(width)}  key ${one.key}`, ...notes].join('; '))
    }
  })
}

await runCommand(help, { rotate, status })
