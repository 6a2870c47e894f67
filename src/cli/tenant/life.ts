import { Stop } from '../../errors.ts'
import { renameTenant, resumeTenant, suspendTenant } from '../../tenants/life.ts'
import { print, readArgs } from '../command.ts'
import { withTenant } from './place.ts'

const json = { json: { type: 'boolean' } } as const
const others = 'Processes that are running see it within 30 seconds.'

/** `tenant rename` */
export async function rename(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(args, json, ['slug', 'new slug'])
  const [former = '', wanted = ''] = positionals
  await withTenant(former, async ({ db, tenant }) => {
    const by = { tenantId: tenant.id, userId: null, role: 'system' } as const
    const { from, to } = await renameTenant(db, by, wanted)
    if (values.json) return print(JSON.stringify({ id: tenant.id, from, to }))
    if (from === to) return print(`${to} has that address already.`)
    print(`The workspace is at /w/${to} now; /w/${from} and /feed/${from} lead there. ${others}`)
  })
}

/** `tenant suspend` */
export async function suspend(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(args, { ...json, reason: { type: 'string' } }, ['slug'])
  const reason = values.reason?.trim() ?? ''
  if (reason === '')
    throw new Stop('Add --reason with a sentence for the people of the workspace: they are shown it.')
  if (reason.length > 300) throw new Stop('The reason is longer than 300 characters.')
  await withTenant(positionals[0] ?? '', async ({ db, tenant }) => {
    await suspendTenant(db, tenant.id, reason)
    if (values.json)
      return print(JSON.stringify({ id: tenant.id, slug: tenant.slug, state: 'suspended', reason }))
    print(`${tenant.slug} is suspended: nothing of it goes out from now on. ${others}`)
  })
}

/** `tenant resume` */
export async function resume(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(args, json, ['slug'])
  await withTenant(positionals[0] ?? '', async ({ db, tenant }) => {
    const { late } = await resumeTenant(db, tenant.id)
    if (values.json) return print(JSON.stringify({ id: tenant.id, slug: tenant.slug, state: 'active', late }))
    print(`${tenant.slug} is served again.`)
    if (tenant.eraseAfter) print('Its erasure is taken back.')
    if (late > 0)
      print(
        `${late} ${late === 1 ? 'post waits' : 'posts wait'} for a person's word, because ${late === 1 ? 'its' : 'their'} moment passed meanwhile.`,
      )
  })
}
