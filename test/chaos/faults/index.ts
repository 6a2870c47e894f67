/** The faults that are played, by the number they have in the plan of 35; the others are named with who plays them instead. */
import { canMount } from '../../small-disk.ts'
import { clocksChange } from './calendar.ts'
import { commitsCut, locked, refusing, restarted, swallowed, terminated } from './database.ts'
import { diskFull } from './disk.ts'
import type { Fault } from './fault.ts'
import { drawingAway, flowsAway } from './helpers.ts'
import { receivers } from './hooks.ts'
import { allKilled, ended, killedAtSteps, killedInRequests, stopped } from './kills.ts'
import { mistrusted, unnamed } from './network.ts'
import { changed, clocks, noisy, redisAway } from './people.ts'
import { hostile, poison, refreshLost, revoked, throttled } from './platforms.ts'
import { restored } from './restored.ts'
import { brokenOff } from './threads.ts'
import { formerCommit, versions } from './versions.ts'

/** What this machine lets us play. */
const [mounts, former, openssl] = [canMount(), formerCommit(), Bun.which('openssl')]

const calm: Fault = { number: 0, name: 'calm', mostLateMs: 30_000, play: async () => ({ times: 1 }) }

export const faults: readonly Fault[] = [
  calm,
  killedAtSteps,
  killedInRequests,
  allKilled,
  ended,
  stopped,
  restarted,
  terminated,
  commitsCut,
  swallowed,
  refusing,
  locked,
  redisAway,
  clocks,
  hostile,
  throttled,
  revoked,
  refreshLost,
  brokenOff,
  changed,
  poison,
  noisy,
  flowsAway,
  drawingAway,
  ...(mounts ? [diskFull] : []),
  receivers,
  ...(former ? [versions] : []),
  restored,
  unnamed,
  ...(openssl ? [mistrusted] : []),
  // The last one: it leaves the workspaces' days in the years to come.
  clocksChange,
]

/** Played without `--all`: in every run of the checks. */
export const usual = [0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 16, 20, 23]

/** The faults that a row of another play stands for. */
export const within: Readonly<Record<number, number>> = { 15: 16, 17: 16, 18: 16 }

/** What the rig does not play, and where it is played instead, or why not. */
export const unplayed: readonly (readonly [number: number, name: string, why: string])[] = [
  ...(mounts ? [] : [[26, 'disk full', 'a small disk can be mounted by root alone, on Linux'] as const]),
  [27, 'out of memory', 'needs a memory limit for one process, which not every machine lets us set'],
  [29, '10,000 tenants', 'bun run bench fan-out measures it'],
  ...(former
    ? []
    : [
        [
          31,
          'old and new processes together',
          'no former version with the packages of now is to be had here',
        ] as const,
      ]),
  ...(openssl ? [] : [[35, 'TLS expired or of another name', 'there is no openssl here'] as const]),
]
