import { describe, expect, test } from 'bun:test'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Who may lean on whom: the rooms of the house, held against the imports as they are. */
const root = join(import.meta.dir, '..')
const files = ['src', 'views'].flatMap(folder =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter(name => /\.tsx?$/.test(name))
    .map(name => join(folder, name)),
)

interface Import {
  from: string
  to: string
  typesOnly: boolean
}

const imports: Import[] = files.flatMap(file =>
  [
    ...readFileSync(join(root, file), 'utf8').matchAll(
      /^(?:import|export) (type )?[^'"]*?from '(\.[^']+)'/gms,
    ),
  ].map(([, types, path]) => ({
    from: file,
    to: normalize(join(dirname(file), path ?? '')),
    typesOnly: types !== undefined,
  })),
)

const nouns = [
  'auth',
  'team',
  'accounts',
  'slots',
  'media',
  'content',
  'approvals',
  'publishing',
  'recurrences',
  'brakes',
  'forecast',
  'calendar',
  'analytics',
  'tenants',
]
const listeners = ['notifications', 'workflows', 'webhooks', 'feed']
const roomOf = (file: string) => file.split('/')[1] ?? ''
/** What several doors of one noun share, and the feed's documents, which carry markup inside. */
const besideDoors = new Set([
  'src/auth/limit.ts',
  'src/auth/entrance.ts',
  'src/content/composer.ts',
  'src/content/composer-form.ts',
  'src/content/typed.ts',
  'src/feed/syndicate.ts',
])
const isDoor = (file: string) => /(?:pages|api)\.ts$/.test(file) || besideDoors.has(file)
const broken = (rule: (one: Import) => boolean) =>
  imports.filter(rule).map(({ from, to }) => `${from} → ${to}`)

describe('rooms', () => {
  test('lib leans on nothing of ours but the words of errors', () => {
    expect(
      broken(
        ({ from, to }) => from.startsWith('src/lib/') && !to.startsWith('src/lib/') && to !== 'src/errors.ts',
      ),
    ).toEqual([])
  })

  test('platforms and integrations know lib and their contract, no database, session or HTML', () => {
    const allowed = /^src\/(lib|platforms|integrations)\//
    expect(
      broken(({ from, to }) => /^src\/(platforms|integrations)\//.test(from) && !allowed.test(to)),
    ).toEqual([])
  })

  test('a noun’s moves and reads know neither http nor views', () => {
    const noun = (file: string) =>
      [...nouns, ...listeners].includes(roomOf(file)) && file.startsWith('src/') && !isDoor(file)
    expect(
      broken(({ from, to, typesOnly }) => noun(from) && !typesOnly && /^(src\/http|views)\//.test(to)),
    ).toEqual([])
  })

  test('a noun calls the moves of nouns before it only', () => {
    expect(
      broken(({ from, to, typesOnly }) => {
        const [a, b] = [nouns.indexOf(roomOf(from)), nouns.indexOf(roomOf(to))]
        return (
          !typesOnly &&
          !isDoor(from) &&
          from.startsWith('src/') &&
          to.startsWith('src/') &&
          a >= 0 &&
          b > a &&
          !/find\.ts$/.test(to) &&
          // A list of facts, which says of every noun what is sealed in its table.
          to !== 'src/tenants/sealed.ts'
        )
      }),
    ).toEqual([])
  })

  test('nobody calls a listener', () => {
    const core = [...nouns, 'db', 'lib', 'platforms', 'integrations']
    expect(
      broken(
        ({ from, to, typesOnly }) =>
          core.includes(roomOf(from)) &&
          from.startsWith('src/') &&
          !isDoor(from) &&
          !typesOnly &&
          ['notifications', 'workflows', 'webhooks'].includes(roomOf(to)) &&
          to.startsWith('src/'),
      ),
    ).toEqual([])
  })

  test('views fetch nothing: from src they take types, limits and pure words', () => {
    const pure = /^src\/(lib\/|platforms\/|permissions\.ts|[a-z]+\/(schema|words|find|days)\.ts)/
    expect(
      broken(
        ({ from, to, typesOnly }) =>
          from.startsWith('views/') && to.startsWith('src/') && !typesOnly && !pure.test(to),
      ),
    ).toEqual([])
  })

  test('nobody imports the app or the start but the entry points', () => {
    expect(
      broken(
        ({ from, to }) => /^src\/(app|start|main)\.ts$/.test(to) && !/^src\/(start|main|cli\/)/.test(from),
      ),
    ).toEqual([])
  })
})
