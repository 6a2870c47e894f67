import type { TenantState } from '../../db/scope.ts'
import { Stop } from '../../errors.ts'
import { listTenants, readTenant, type TenantLine, type TenantSheet } from '../../tenants/find.ts'
import { bench, print, readArgs, withDatabase } from '../command.ts'
import { inMegabytes, inMinutes, withTenant } from './place.ts'

const states = ['creating', 'active', 'suspended', 'erasing'] as const satisfies TenantState[]

/** `tenant list` */
export async function list(args: string[]): Promise<void> {
  const { values } = readArgs(args, { state: { type: 'string' }, json: { type: 'boolean' } })
  const state = states.find(one => one === values.state)
  if (values.state !== undefined && !state)
    throw new Stop(`"${values.state}" is no state: use ${states.join(', ')}.`)
  await withDatabase(bench(), async db => {
    const tenants = await listTenants(db.owner, state)
    if (values.json) return print(JSON.stringify(tenants))
    if (tenants.length === 0)
      return print(
        state
          ? `No workspace is ${state}.`
          : 'There is no workspace yet: open the app, or see tenant create --help.',
      )
    const width = Math.max(...tenants.map(tenant => tenant.slug.length))
    for (const tenant of tenants)
      print(
        [
          tenant.slug.padEnd(width),
          tenant.state,
          `level ${tenant.level}`,
          `since ${tenant.createdAt.slice(0, 10)}`,
          tenant.schema,
          ...whyOf(tenant),
          ...(tenant.error ? [tenant.error] : []),
        ].join('  '),
      )
  })
}

function whyOf({ reason, eraseAfter }: TenantLine): string[] {
  return [
    ...(eraseAfter ? [`to be erased after ${inMinutes(eraseAfter)}`] : []),
    ...(reason ? [`“${reason}”`] : []),
  ]
}

/** `tenant show` */
export async function show(args: string[]): Promise<void> {
  const { values, positionals } = readArgs(args, { json: { type: 'boolean' } }, ['slug'])
  await withTenant(positionals[0] ?? '', async ({ db, storage, tenant }) => {
    const sheet = await readTenant(db, storage, tenant)
    if (values.json) return print(JSON.stringify(sheet))
    for (const [term, words] of facts(sheet)) print(`${term.padEnd(14)}${words}`)
  })
}

function facts(sheet: TenantSheet): [string, string][] {
  const { files, bytes, keys, lastSnapshot } = sheet
  const counts = (of: Partial<Record<string, number>>) =>
    Object.entries(of)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none'
  const stored = (kind: keyof typeof files, unit: string) =>
    `${inMegabytes(bytes[kind])} in ${files[kind]} ${files[kind] === 1 ? unit : `${unit}s`}`
  return [
    ['workspace', `${sheet.name ?? '(no name)'} at /w/${sheet.slug}`],
    ['state', [sheet.state, ...whyOf(sheet)].join('  ')],
    ...(sheet.suspendedAt ? ([['suspended', inMinutes(sheet.suspendedAt)]] as [string, string][]) : []),
    ['since', inMinutes(sheet.createdAt)],
    ['before', sheet.formerSlugs.join(', ') || 'no other address'],
    ['id', sheet.id],
    ['schema', `${sheet.schema}  level ${sheet.level}${sheet.error ? `  ${sheet.error}` : ''}`],
    ['people', counts(sheet.people)],
    ['content', String(sheet.content)],
    ['publish jobs', counts(sheet.jobs)],
    ['next due', sheet.nextDueAt ? inMinutes(sheet.nextDueAt) : 'nothing'],
    ['database', inMegabytes(bytes.database)],
    ['media', stored('media', 'file')],
    ['exports', stored('exports', 'file')],
    ['snapshots', stored('snapshots', 'file')],
    ['last snapshot', lastSnapshot ? `${lastSnapshot.name}  ${inMinutes(lastSnapshot.at)}` : 'none'],
    [
      'keys',
      `${keys.current} in use${keys.others.length > 0 ? `, ${keys.others.join(', ')} kept for what they sealed` : ''}`,
    ],
  ]
}
