import { readMigrations } from '../db/migrations.ts'
import { type Check, type Finding, fail, type Open, ok, warn } from './check.ts'

/** The workspaces as the catalog has them. */
export const tenantChecks: readonly Check<Open>[] = [
  { name: 'workspaces', run: complete },
  { name: 'left-overs', run: leftOvers },
]

/** So many names are said; the rest is counted. */
const shown = 5
const list = (names: readonly string[]) =>
  names.slice(0, shown).join(', ') + (names.length > shown ? ` and ${names.length - shown} more` : '')

/** Tables that the migrations up to a level make in a tenant's schema. */
function tablesAt(level: number): Set<string> {
  const tables = new Set<string>()
  for (const { side, number, up } of readMigrations()) {
    if (side !== 'tenant' || number > level) continue
    const text = up.replace(/^--.*$/gm, '')
    for (const [, verb, name = ''] of text.matchAll(
      /\b(create|drop)\s+table\s+(?:if\s+(?:not\s+)?exists\s+)?\{schema\}\.(\w+)/gi,
    ))
      if (verb?.toLowerCase() === 'create') tables.add(name)
      else tables.delete(name)
  }
  return tables
}

async function complete({ owner, appRole }: Open): Promise<Finding | null> {
  const [table] = await owner`select to_regclass('public.tenants') is not null as there`
  if (!table?.there) return null
  const rows = await owner`
    select t.slug, t.schema_name, t.schema_version,
      (select array_agg(c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = t.schema_name and c.relkind = 'r') as tables,
      to_regnamespace(t.schema_name) is not null as has_schema,
      to_regrole(t.schema_name) is not null as has_role,
      to_regrole(t.schema_name) is not null and pg_has_role(${appRole}, t.schema_name, 'member') as entered,
      exists (select 1 from public.tenant_due d where d.tenant_id = t.id) as has_due
    from public.tenants t where t.state in ('active', 'suspended') order by t.slug`
  const expected = new Map<number, Set<string>>()
  const wrong: string[] = []
  for (const row of rows) {
    const level = row.schema_version as number
    const wanted = expected.get(level) ?? tablesAt(level)
    expected.set(level, wanted)
    const has = new Set((row.tables as string[] | null) ?? [])
    const missing = [...wanted].filter(name => !has.has(name))
    if (!row.has_schema) wrong.push(`${row.slug} has no schema`)
    else if (missing.length > 0) wrong.push(`${row.slug} lacks ${missing.join(', ')}`)
    if (!row.has_role) wrong.push(`${row.slug} has no role`)
    else if (!row.entered) wrong.push(`${row.slug} cannot be entered by ${appRole}`)
    if (!row.has_due) wrong.push(`${row.slug} has no row in tenant_due, so nothing of it goes out`)
  }
  return wrong.length > 0
    ? fail(
        list(wrong),
        'restore a backup, or the workspace’s snapshot: something outside Masthead changed the database',
      )
    : ok(`${rows.length}, each with its schema, role and tables`)
}

async function leftOvers({ owner }: Open): Promise<Finding | null> {
  const [table] = await owner`select to_regclass('public.tenants') is not null as there`
  if (!table?.there) return null
  const schemas = await owner`
    select nspname as name from pg_namespace
    where nspname ~ '^tenant_[0-9a-f_]{36}$' and nspname not in (select schema_name from public.tenants) order by 1`
  if (schemas.length > 0)
    return warn(
      `schemas without a workspace: ${list(schemas.map(row => row.name as string))}`,
      'look into them, and if nobody misses them: drop schema … cascade; drop role …',
    )
  const halves = await owner`
    select slug, state from public.tenants
    where (state = 'creating' and created_at < now() - interval '10 minutes')
      or (state = 'erasing' and created_at < now() - interval '10 minutes') order by slug`
  if (halves.length > 0)
    return warn(
      list(halves.map(row => `${row.slug} is still ${row.state}`)),
      'bun run tenant erase <slug> --yes ends what was cut off',
    )
  return ok('none')
}
