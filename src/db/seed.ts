import { zones } from '../lib/time.ts'
import { platforms } from '../platforms/index.ts'
import type { Sql } from './pool.ts'

/** Fills the shared reference tables; repeatable. Countries and zones are those the runtime's own ICU data knows. */
export async function seedReference(owner: Sql): Promise<void> {
  const countries = countryCodes()
  await owner`
    insert into public.countries (code, name)
    select code, name from unnest(${countries.map(c => c.code)}::text[], ${countries.map(c => c.name)}::text[]) as given (code, name)
    on conflict (code) do update set name = excluded.name`
  await owner`insert into public.timezones (name) select unnest(${zones()}::text[]) on conflict (name) do nothing`
  for (const platform of Object.values(platforms))
    await owner`
      insert into public.platforms (id, name, limits) values (${platform.id}, ${platform.name}, ${owner.json(platform.limits as never)})
      on conflict (id) do update set name = excluded.name, limits = excluded.limits`
}

/** ISO 3166-1 codes: every pair of letters that the runtime has an English name for, less groups and test regions. */
function countryCodes(): { code: string; name: string }[] {
  const names = new Intl.DisplayNames('en', { type: 'region', fallback: 'none' })
  const notCountries = new Set([
    'EU',
    'EZ',
    'UN',
    'QO',
    'XA',
    'XB',
    'ZZ',
    'AC',
    'CP',
    'DG',
    'EA',
    'IC',
    'TA',
    'CQ',
  ])
  const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ']
  return letters
    .flatMap(first => letters.map(second => first + second))
    .filter(code => !notCountries.has(code))
    .flatMap(code => {
      const name = names.of(code)
      return name && new Intl.Locale(`und-${code}`).region === code ? [{ code, name }] : []
    })
}
