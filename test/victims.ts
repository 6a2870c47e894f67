/** Worker processes that die by SIGKILL at a step of their own, for the crash tests, and a stage for them. */
import { expect } from 'bun:test'
import { join } from 'node:path'
import sharp from 'sharp'
import { createWorker } from '../src/jobs/worker.ts'
import { type House, openHouse } from './cast.ts'

/** The lease of a dead worker is 20 s. */
const leaseOverMs = 21_000

export interface Stage {
  house: House
  shift: number
  picture: string
}

export async function openStage(hosts: string[]): Promise<Stage> {
  const house = await openHouse({ OUTBOUND_ALLOW: hosts.join(',') })
  const bytes = await sharp({ create: { width: 60, height: 40, channels: 3, background: '#a52' } })
    .jpeg()
    .toBuffer()
  const form = new FormData()
  form.set('file', new File([new Uint8Array(bytes)], 'leaf.jpg', { type: 'image/jpeg' }))
  form.set('alt', 'A rust-red square')
  const made = await house.alice.api('POST', '/media', form)
  expect(made.status).toBe(201)
  return { house, shift: 0, picture: made.body.id as string }
}

export async function connect(house: House, platform: string, settings: object): Promise<string> {
  const made = await house.alice.api('POST', '/accounts', { platform, settings })
  expect(made.status, JSON.stringify(made.body)).toBe(201)
  return made.body.id as string
}

/** A worker process that waits for its cue, so that its start costs no time of the test before. */
export async function hireVictim({ house }: Stage, step: string) {
  const [row] = await house.services.db.owner`select current_database() as name`
  const child = Bun.spawn([process.execPath, join(import.meta.dir, 'crash-child.ts')], {
    env: {
      ...process.env,
      CRASH_DATABASE: row?.name as string,
      CRASH_AT: step,
      DATA_DIR: house.services.config.dataDir,
      OUTBOUND_ALLOW: house.services.config.outboundAllow.join(','),
    },
    stdin: 'pipe',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const ready = child.stdout.getReader().read()
  return {
    /** @returns true when it was killed at its step, false when it never came there and went home */
    async perform(): Promise<boolean> {
      await ready
      child.stdin.write('go\n')
      await child.stdin.end()
      await child.exited
      if (child.signalCode === 'SIGKILL') return true
      expect(child.exitCode).toBe(0)
      return false
    },
    dismiss: () => child.kill('SIGKILL'),
  }
}

/** Moves on past the lease, and every wait after that, until the job has come to an end. */
export async function takeOver(stage: Stage, jobId: string) {
  const read = async () => (await stage.house.alice.api('GET', `/publish-jobs/${jobId}`)).body
  const worker = createWorker(stage.house.services)
  try {
    for (let round = 0; round < 10; round++) {
      stage.shift += leaseOverMs
      await stage.house.shiftClock(stage.shift)
      await worker.idle()
      if (!['scheduled', 'publishing'].includes((await read()).state)) break
    }
  } finally {
    await worker.stop(5_000)
  }
  return read()
}
