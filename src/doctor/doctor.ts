import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readConfig } from '../config.ts'
import { clusterHome, unprivileged } from '../db/cluster-home.ts'
import { ownerUser, startEmbedded } from '../db/embedded.ts'
import { type Address, openPool, waitFor } from '../db/pool.ts'
import { Stop } from '../errors.ts'
import { createLog } from '../lib/log.ts'
import { derivePassword } from '../lib/seal.ts'
import { examine, fail, type Open, type Patient, type Result, warn } from './check.ts'
import { databaseChecks } from './database.ts'
import { machineChecks } from './machine.ts'
import { besideDatabaseChecks, serviceChecks } from './services.ts'

const quiet = createLog({ level: 'silent', json: false })
const connectSeconds = 5
const appRole = 'masthead_app'
/** Reading the settings makes a secret where there is none; a doctor only looks. */
const noSecret = 'a placeholder: the doctor makes no secret of its own'

export interface Diagnosis {
  results: Result[]
  /** Names of checks that could not be made, because the database does not answer. */
  skipped: string[]
}

/** Looks at everything there is to look at. Starts the embedded database where one was set up, and changes nothing. */
export async function diagnose(environment: Record<string, string | undefined>): Promise<Diagnosis> {
  let patient: Patient
  try {
    patient = readPatient(environment)
  } catch (error) {
    if (!(error instanceof Stop)) throw error
    const said = error.message.replace(/\.$/, '')
    return {
      results: [{ name: 'settings', ...fail(said, 'correct it in .env, or where Masthead is started') }],
      skipped: [],
    }
  }
  const results: Result[] = [
    { name: 'settings', state: 'ok', said: 'they can be read' },
    ...(await examine(machineChecks, patient)),
  ]
  const opened = await openDatabase(patient)
  let skipped: string[] = []
  if ('owner' in opened) {
    try {
      results.push(...(await examine([...databaseChecks, ...besideDatabaseChecks], opened)))
    } finally {
      await Promise.all([opened.owner.end({ timeout: 1 }), opened.app.end({ timeout: 1 })])
    }
  } else {
    results.push({ name: 'database', ...opened })
    skipped = [...databaseChecks, ...besideDatabaseChecks].map(({ name }) => name)
  }
  results.push(...(await examine(serviceChecks, patient)))
  return { results, skipped }
}

function readPatient(environment: Record<string, string | undefined>): Patient {
  const given = environment.MASTHEAD_SECRET
  const config = readConfig({ ...environment, MASTHEAD_SECRET: given || noSecret })
  if (given) return { config, secret: { value: given, from: 'MASTHEAD_SECRET' }, environment }
  const file = join(config.dataDir, 'secret')
  try {
    const value = readFileSync(file, 'utf8').trim()
    return { config, secret: value.length >= 32 ? { value, from: 'file' } : null, environment }
  } catch {
    return { config, secret: null, environment }
  }
}

type Closed = ReturnType<typeof fail>

async function openDatabase(patient: Patient): Promise<Open | Closed> {
  const { config, secret } = patient
  if (!secret)
    return config.databaseUrl || existsSync(join(config.dataDir, 'postgres'))
      ? fail('it cannot be opened without the instance secret', 'see "secret" above')
      : warn('there is none yet', 'the first start makes it')
  try {
    const where = config.databaseUrl
      ? ofOnesOwn(patient, secret.value)
      : await embedded(patient, secret.value)
    if ('state' in where) return where
    const owner = openPool(where.owner, { name: 'masthead doctor', max: 2 })
    try {
      await waitFor(owner, where.shown, quiet, connectSeconds)
    } catch (error) {
      await owner.end({ timeout: 1 })
      throw error
    }
    const app = openPool(where.app, { name: 'masthead doctor', max: 1, prepare: false })
    return { ...patient, owner, app, appRole: where.appRole, embedded: config.databaseUrl === null }
  } catch (error) {
    const said = (error as Error).message.replace(/\.$/, '')
    const [what = said, cure = 'see its log'] = said.split(/: (?=[a-z])/s)
    return fail(what, cure)
  }
}

interface Where {
  owner: Address
  app: Address
  appRole: string
  shown: string
}

function ofOnesOwn({ config }: Patient, secret: string): Where {
  const url = config.databaseUrl ?? ''
  const shown = new URL(url).host
  if (config.databaseOwnerUrl) {
    const role = decodeURIComponent(new URL(url).username)
    return { owner: { url: config.databaseOwnerUrl }, app: { url }, appRole: role, shown }
  }
  const app = new URL(url)
  app.username = appRole
  app.password = derivePassword(secret, 'database app')
  return { owner: { url }, app: { url: app.href }, appRole, shown }
}

async function embedded({ config }: Patient, secret: string): Promise<Where | Closed> {
  const home = clusterHome(config.dataDir, unprivileged(), quiet)
  if (!existsSync(join(home, 'postgres/PG_VERSION')))
    return warn('there is none yet', 'the first start makes it')
  const password = derivePassword(secret, 'database owner')
  const { socket } = await startEmbedded(config.dataDir, password, quiet)
  const address = (user: string, word: string): Address => ({
    socket,
    user,
    password: word,
    database: 'masthead',
  })
  return {
    owner: address(ownerUser, password),
    app: address(appRole, derivePassword(secret, 'database app')),
    appRole,
    shown: join(home, 'postgres'),
  }
}
