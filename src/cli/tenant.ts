import { z } from 'zod'
import { createKey } from '../auth/keys.ts'
import { country, email, password, personName, slug, zone } from '../auth/schema.ts'
import { deleteTenantSchema } from '../db/tenants.ts'
import { Stop } from '../errors.ts'
import { diskFiles } from '../media/files.ts'
import { foundWorkspace } from '../team/workspace.ts'
import { bench, print, readArgs, runCommand, withDatabase } from './command.ts'
import { capsuleHelp, exportCapsule, importCapsule } from './tenant/capsule.ts'

const help = `Workspaces (tenants). All of this works while the app is running.

  bun run tenant create <slug> --name <name> --owner-name <name> --owner-email <mail>
                        --password-stdin --zone <zone> [--country <code>] [--json]
      Makes a workspace, its owner and an API key of the owner. The password is read from stdin.
      --json prints {tenant:{id,slug,schema},owner:{id,email},apiKey} and nothing else.
  bun run tenant list [--json]
  bun run tenant erase <slug> --yes
      Erases the workspace for good: schema, role, key, directory entries and pictures.
${capsuleHelp}`

const Creation = z.object({
  slug,
  name: personName,
  'owner-name': personName,
  'owner-email': email,
  zone,
  country: country.optional(),
  password,
})

async function create(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(
    args,
    {
      name: { type: 'string' },
      'owner-name': { type: 'string' },
      'owner-email': { type: 'string' },
      'password-stdin': { type: 'boolean' },
      zone: { type: 'string' },
      country: { type: 'string' },
      json: { type: 'boolean' },
    },
    ['slug'],
  )
  for (const name of ['name', 'owner-name', 'owner-email', 'zone'] as const)
    if (values[name] === undefined) throw new Stop(`--${name} is missing; see --help.`)
  if (!values['password-stdin'])
    throw new Stop(
      'Add --password-stdin and send the password on stdin, so that it stays out of the history.',
    )
  const typed = (await Bun.stdin.text()).replace(/\r?\n$/, '')
  const given = Creation.safeParse({ ...values, slug: positionals[0], password: typed })
  if (!given.success) {
    const [issue] = given.error.issues
    const field = String(issue?.path[0])
    throw new Stop(`${field === 'slug' ? 'The slug' : `--${field}`} is not right: ${issue?.message}.`)
  }
  const at = bench()
  const founding = {
    slug: given.data.slug,
    name: given.data.name,
    zone: given.data.zone,
    country: given.data.country,
    ownerName: given.data['owner-name'],
    email: given.data['owner-email'],
    password: given.data.password,
  }
  await withDatabase(at, async db => {
    const { tenant, ownerId } = await foundWorkspace(db, at.config.secret, founding)
    const { key } = await db.within({ tenantId: tenant.id, userId: ownerId, role: 'owner' }, scope =>
      createKey(scope, { name: 'made with the workspace' }),
    )
    const made = {
      tenant: { id: tenant.id, slug: tenant.slug, schema: tenant.schema },
      owner: { id: ownerId, email: founding.email },
      apiKey: key,
    }
    if (values.json) return print(JSON.stringify(made))
    print(`The workspace ${founding.name} is made (${tenant.slug}, schema ${tenant.schema}).`)
    print(`${founding.ownerName} signs in as ${founding.email}.`)
    print(`An API key of theirs, shown once: ${key}`)
  })
}

async function list(args: string[]): Promise<void> {
  const { values } = readArgs(args, { json: { type: 'boolean' } })
  await withDatabase(bench(), async db => {
    const rows = await db.owner`
      select id, slug, schema_name, state, schema_version, migration_error, created_at
      from public.tenants order by created_at, id`
    const tenants = rows.map(row => ({
      id: row.id as string,
      slug: row.slug as string,
      schema: row.schema_name as string,
      state: row.state as string,
      level: row.schema_version as number,
      error: row.migration_error as string | null,
      createdAt: (row.created_at as Date).toISOString(),
    }))
    if (values.json) return print(JSON.stringify(tenants))
    if (tenants.length === 0)
      return print('There is no workspace yet: open the app, or see tenant create --help.')
    const width = Math.max(...tenants.map(tenant => tenant.slug.length))
    for (const { slug: name, state, level, createdAt, schema, error } of tenants)
      print(
        `${name.padEnd(width)}  ${state}  level ${level}  since ${createdAt.slice(0, 10)}  ${schema}${error ? `  ${error}` : ''}`,
      )
  })
}

async function erase(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(args, { yes: { type: 'boolean' } }, ['slug'])
  const wanted = positionals[0] ?? ''
  const at = bench()
  await withDatabase(at, async db => {
    // Whatever its state: an erasure that was cut off is finished by asking again.
    const [row] = await db.owner`select id from public.tenants where slug = ${wanted}`
    if (!row) throw new Stop(`There is no workspace "${wanted}": see tenant list.`)
    if (!values.yes)
      throw new Stop(
        `This erases ${wanted} for good, with all its posts, pictures and logins: add --yes if you mean it.`,
      )
    const id = row.id as string
    await deleteTenantSchema(db.owner, id)
    await diskFiles(at.config.dataDir).removeTenant(id)
    print(
      `Erased ${wanted} at ${new Date().toISOString()}: its schema, role, key, sign-in directory entries and pictures.`,
    )
    print('What is already published stays where it was published.')
    print(
      'Backups of the database and of the data folder that were made before this moment still hold it: the last of them to age out, or to be deleted, ends it.',
    )
    print('A running app forgets the workspace within 30 seconds; its data is gone at once.')
  })
}

await runCommand(help, { create, list, erase, export: exportCapsule, import: importCapsule })
