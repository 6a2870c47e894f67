import { afterAll, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Config, readConfig } from '../src/config.ts'
import { Stop } from '../src/errors.ts'

const folder = mkdtempSync(join(tmpdir(), 'masthead-config-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const secret = 'forty characters that are only for tests'
const read = (given: Record<string, string | undefined>): Config =>
  readConfig({ DATA_DIR: folder, MASTHEAD_SECRET: secret, ...given })

/** The one sentence a wrong setting is refused with. */
function refusal(given: Record<string, string | undefined>): string {
  try {
    readConfig({ DATA_DIR: folder, MASTHEAD_SECRET: secret, ...given })
  } catch (error) {
    expect(error).toBeInstanceOf(Stop)
    return (error as Error).message
  }
  return ''
}

describe('settings', () => {
  test('nothing has to be set', () => {
    const { secret: made, ...rest } = readConfig({ DATA_DIR: folder })
    expect(made.length).toBeGreaterThanOrEqual(32)
    expect(rest).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      publicUrl: null,
      dataDir: folder,
      databaseUrl: null,
      databaseOwnerUrl: null,
      redisUrl: null,
      n8nUrl: null,
      comfyuiUrl: null,
      outboundAllow: [],
      trustProxy: false,
      rateLimit: true,
      logLevel: 'info',
      production: false,
    })
  })

  test('every setting is read', () => {
    const config = read({
      PORT: '0',
      HOST: '0.0.0.0',
      PUBLIC_URL: 'https://desk.example.com',
      DATABASE_URL: 'postgres://app:x@db/masthead',
      DATABASE_OWNER_URL: 'postgresql://owner:x@db/masthead',
      REDIS_URL: 'redis://cache:6379',
      N8N_URL: 'http://n8n:5678',
      COMFYUI_URL: 'http://comfyui:8188',
      OUTBOUND_ALLOW: 'localhost:8080, [::1]:9000 ,',
      TRUST_PROXY: '1',
      RATE_LIMIT: 'off',
      LOG_LEVEL: 'silent',
      NODE_ENV: 'production',
    })
    expect(config).toMatchObject({
      port: 0,
      host: '0.0.0.0',
      databaseUrl: 'postgres://app:x@db/masthead',
      databaseOwnerUrl: 'postgresql://owner:x@db/masthead',
      redisUrl: 'redis://cache:6379',
      secret,
      outboundAllow: ['localhost:8080', '[::1]:9000'],
      trustProxy: true,
      rateLimit: false,
      logLevel: 'silent',
      production: true,
    })
    expect(config.publicUrl?.origin).toBe('https://desk.example.com')
    expect(config.n8nUrl?.port).toBe('5678')
    expect(config.comfyuiUrl?.port).toBe('8188')
  })

  test('an empty setting is one that is not set', () => {
    const config = read({
      PORT: '',
      HOST: '',
      PUBLIC_URL: '',
      DATABASE_URL: '',
      RATE_LIMIT: '',
      LOG_LEVEL: '',
    })
    expect(config).toMatchObject({ port: 3000, host: '127.0.0.1', databaseUrl: null, rateLimit: true })
  })

  test.each([
    ['PORT', 'eighty'],
    ['PORT', '65536'],
    ['PORT', '-1'],
    ['PORT', '80.5'],
    ['PORT', '0x50'],
    ['PORT', ' '],
    ['PUBLIC_URL', 'desk.example.com'],
    ['PUBLIC_URL', 'ftp://desk.example.com'],
    ['DATABASE_URL', 'mysql://db/masthead'],
    ['DATABASE_URL', 'not an address'],
    ['DATABASE_OWNER_URL', 'http://db/masthead'],
    ['REDIS_URL', '127.0.0.1:6379'],
    ['N8N_URL', 'n8n'],
    ['COMFYUI_URL', 'file:///etc/passwd'],
    ['OUTBOUND_ALLOW', 'localhost'],
    ['OUTBOUND_ALLOW', 'http://localhost:80'],
    ['TRUST_PROXY', 'yes'],
    ['RATE_LIMIT', '600'],
    ['LOG_LEVEL', 'loud'],
    ['MASTHEAD_SECRET', 'too short'],
  ])('%s=%s is refused in one sentence that names it', (name, value) => {
    const words = refusal({ [name]: value })
    expect(words).toStartWith('The settings are not right: ')
    expect(words).toContain(`${name} `)
    expect(words).toMatch(/^[^\n]+\.$/)
    expect(words).not.toMatch(/Invalid (input|option)|expected|NaN/)
    // What was typed may be a password.
    if (/DATABASE|SECRET/.test(name)) expect(words).not.toContain(value)
  })

  test('all that is wrong is said at once', () => {
    const words = refusal({ PORT: 'x', RATE_LIMIT: 'x' })
    expect(words).toContain('PORT ')
    expect(words).toContain('RATE_LIMIT ')
  })

  test('an owner’s address alone is refused', () => {
    expect(refusal({ DATABASE_OWNER_URL: 'postgres://owner@db/masthead' })).toContain('DATABASE_URL is not')
  })
})

describe('the instance secret', () => {
  test('is made once, for this user only, and kept', () => {
    const data = join(folder, 'fresh', 'deep')
    const { secret: made } = readConfig({ DATA_DIR: data })
    expect(made.length).toBeGreaterThanOrEqual(32)
    expect(readdirSync(data)).toEqual(['secret'])
    expect(statSync(join(data, 'secret')).mode & 0o777).toBe(0o600)
    expect(readConfig({ DATA_DIR: data }).secret).toBe(made)
    expect(readConfig({ DATA_DIR: join(folder, 'other') }).secret).not.toBe(made)
  })

  test('a setting goes before the file, and makes none', () => {
    const data = join(folder, 'with-setting')
    expect(readConfig({ DATA_DIR: data, MASTHEAD_SECRET: secret }).secret).toBe(secret)
    expect(existsSync(join(data, 'secret'))).toBe(false)
  })

  test('five processes that start at once agree on one', async () => {
    const data = join(folder, 'racing')
    const code = `import { readConfig } from './src/config.ts'; console.log(readConfig({ DATA_DIR: ${JSON.stringify(data)} }).secret)`
    const children = Array.from({ length: 5 }, () =>
      Bun.spawn([process.execPath, '-e', code], { cwd: join(import.meta.dir, '..'), stdout: 'pipe' }),
    )
    const said = await Promise.all(children.map(child => new Response(child.stdout).text()))
    expect(new Set(said).size).toBe(1)
    expect(said[0]?.trim()).toBe(readFileSync(join(data, 'secret'), 'utf8').trim())
  })

  test('a file that holds none is refused, and left as it is', () => {
    const data = join(folder, 'spoilt')
    readConfig({ DATA_DIR: data })
    chmodSync(join(data, 'secret'), 0o600)
    writeFileSync(join(data, 'secret'), 'short')
    expect(refusal({ DATA_DIR: data, MASTHEAD_SECRET: undefined })).toContain('holds no usable secret')
    expect(readFileSync(join(data, 'secret'), 'utf8')).toBe('short')
  })

  test('a data folder that cannot be one is refused in words', () => {
    const file = join(folder, 'a-file')
    writeFileSync(file, '')
    const words = refusal({ DATA_DIR: join(file, 'data'), MASTHEAD_SECRET: undefined })
    expect(words).toContain('cannot be written')
    expect(words).toContain('DATA_DIR')
  })
})
