import { aloneOrNot } from '../../db/lanes.ts'
import { Conflict, Stop } from '../../errors.ts'
import { listSnapshots, snapshotFolder } from '../../tenants/find.ts'
import { groundOf, type Watch } from '../../tenants/ground.ts'
import { type Rewound, rewindTenant } from '../../tenants/rewind.ts'
import {
  findSnapshot,
  isSnapshotName,
  secretOf,
  takeSnapshot,
  throughSpool,
} from '../../tenants/snapshots.ts'
import { print, readArgs } from '../command.ts'
import { existing, figures, shown, speed, typedPassphrase } from './moving.ts'
import { inMegabytes, inMinutes, type Place, withTenant } from './place.ts'

export const rewindHelp = `  bun run tenant snapshot <slug> [--list] [--json]
      Takes a snapshot now, or lists those there are. Every night one is taken of each workspace in which
      something happened; one a day is kept for 7 days, one a week for 4 weeks.
  bun run tenant rewind <slug> --to <snapshot|latest|file> [--passphrase-stdin] --yes [--json]
      Puts the workspace back to a snapshot, or to a file of tenant export. What went out since stays out and is
      not sent again; who may enter stays as it is now. Its present state is kept in a snapshot first.`

/** `tenant snapshot` */
export async function snapshot(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(args, { list: { type: 'boolean' }, json: { type: 'boolean' } }, [
    'slug',
  ])
  await withTenant(positionals[0] ?? '', async place => {
    if (values.list) return list(place, values.json)
    const { db, tenant } = place
    const done = await aloneOrNot(db.owner, `masthead tenant ${tenant.id}`, () =>
      shown(watch => takeSnapshot(groundOf(place), tenant.id, watch)),
    )
    if (!done) throw new Conflict('Another command is at work on this workspace just now. Try again later.')
    const { name, at, exported } = done.result
    if (values.json)
      return print(JSON.stringify({ name, at, missing: exported.checksums.missing, ...figures(exported) }))
    print(`Took the snapshot ${name}: ${speed(exported)}.`)
  })
}

async function list({ storage, tenant }: Place, json: boolean | undefined): Promise<void> {
  const all = await listSnapshots(storage, tenant.id)
  if (json) return print(JSON.stringify(all))
  if (all.length === 0) return print(`There is no snapshot of ${tenant.slug} yet.`)
  for (const { name, at, bytes } of all) print(`${name}  ${inMinutes(at)}  ${inMegabytes(bytes)}`)
}

/** `tenant rewind` */
export async function rewind(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(
    args,
    {
      to: { type: 'string' },
      'passphrase-stdin': { type: 'boolean' },
      yes: { type: 'boolean' },
      json: { type: 'boolean' },
    },
    ['slug'],
  )
  const to = values.to
  if (!to) throw new Stop('--to is missing: name a snapshot, latest, or the file of an export.')
  await withTenant(positionals[0] ?? '', async place => {
    const { slug } = place.tenant
    if (!values.yes)
      throw new Stop(
        `This puts ${slug} back to an earlier state, and what was written since is gone from it: add --yes if you mean it.`,
      )
    const done = isSnapshotName(to)
      ? await toSnapshot(place, to)
      : await toFile(place, existing(to), await typedPassphrase(values['passphrase-stdin']))
    if (values.json) return print(JSON.stringify({ ...done, ...figures(done) }))
    tell(slug, done)
  })
}

const toFile = (place: Place, path: string, secret: string): Promise<Rewound> =>
  shown(watch => rewindTenant(groundOf(place), place.tenant.id, { path, secret }, watch))

/** A snapshot is brought here first: while it is read nothing waits for a network. */
async function toSnapshot(place: Place, name: string): Promise<Rewound> {
  const { db, storage, tenant } = place
  const found = await findSnapshot(storage, tenant.id, name)
  const keeper = await db.tenantById(tenant.id)
  const body = await storage.read(`${snapshotFolder(tenant.id)}${found.name}`)
  if (!keeper || !body) throw new Stop(`The snapshot ${found.name} is not there any more.`)
  const secret = secretOf(keeper, found.name)
  return throughSpool(groundOf(place), async path => {
    await Bun.write(path, new Response(body))
    return shown((watch: Watch) => rewindTenant(groundOf(place), tenant.id, { path, secret }, watch))
  })
}

function tell(slug: string, done: Rewound): void {
  const posts = (count: number) => (count === 1 ? '1 post' : `${count} posts`)
  print(`${slug} is as it was on ${inMinutes(done.to)}: ${speed(done)}.`)
  print(
    `${posts(done.kept)} that something was done about since ${done.kept === 1 ? 'stays' : 'stay'} as ${done.kept === 1 ? 'it is' : 'they are'} now.`,
  )
  if (done.held > 0)
    print(
      `${posts(done.held)} ${done.held === 1 ? 'waits' : 'wait'} for a person's word before anything of them is sent.`,
    )
  if (done.unsure > 0)
    print(`Of ${posts(done.unsure)} nobody knows whether they went out: somebody has to look.`)
  for (const stray of done.strays)
    print(
      `Out, and not known any more: ${stray.platform} ${stray.account}  ${stray.remoteUrl ?? stray.state}  ${JSON.stringify(stray.text)}`,
    )
  if (done.pictures > 0) print(`${done.pictures} files of pictures were put back.`)
  print(
    'People, roles, passwords and connected accounts are as they are now; sessions, API keys and open links have ended.',
  )
  print(`To undo this: bun run tenant rewind ${slug} --to ${done.safety} --yes`)
}
