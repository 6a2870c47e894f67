import { z } from 'zod'
import { createKey } from '../../auth/keys.ts'
import { country, email, password, personName, slug, zone } from '../../auth/schema.ts'
import { Stop } from '../../errors.ts'
import { foundWorkspace } from '../../team/workspace.ts'
import { bench, print, readArgs, withDatabase } from '../command.ts'

const Creation = z.object({
  slug,
  name: personName,
  'owner-name': personName,
  'owner-email': email,
  zone,
  country: country.optional(),
  password,
})

export async function create(args: string[]): Promise<void> {
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
