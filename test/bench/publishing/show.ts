import type { Row } from './index.ts'
import type { Idle } from './parts.ts'

export interface Shown {
  load: number
  many: number
  idleWithTen: Idle
  oneAccount: { inOrder: boolean; spreadMs: number }
  rows: Record<string, Row>
  leftOut: Record<string, string>
  missed: string[]
}

const titles = [
  '',
  'late p50 ms',
  'p99',
  'max',
  'early',
  'drained /s',
  'CPU µs a job',
  'idle statements/s',
  'idle CPU %',
  'one by one /s',
  'in flight',
  'twice',
  'others after s',
  'those after s',
  'unconfirmed',
]

/** The figures for people: one table, and a few lines. */
export function show({ load, many, idleWithTen, oneAccount, rows, leftOut, missed }: Shown): string {
  const lines = [titles, ...Object.entries(rows).map(([name, row]) => cells(name, row))]
  const widths = titles.map((_, at) => Math.max(...lines.map(line => line[at]?.length ?? 0)))
  const table = lines.map(line =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  '),
  )
  return [
    ...table,
    '',
    'Late: from the due instant to the start of the work, by this machine’s clock; ours after the attempt is armed. CPU: worker + store.',
    `Idle with 10 workspaces: ${idleWithTen.statementsPerSecond} statements/s, ${percent(idleWithTen)} % CPU; the table has ${many} workspaces.`,
    `40 posts of one second on one account that takes 100 ms a post: ${oneAccount.inOrder ? 'in order' : 'NOT in order'}, over ${oneAccount.spreadMs} ms.`,
    `Load of the machine before: ${load} on ${navigator.hardwareConcurrency} cores.`,
    ...Object.entries(leftOut).map(([what, why]) => `Left out: ${what}: ${why}.`),
    ...(missed.length === 0 ? ['Every must is kept.'] : missed.map(words => `MISSED: ${words}.`)),
  ].join('\n')
}

const percent = ({ workerPercent, storePercent }: Idle) =>
  `${workerPercent.toFixed(1)} + ${storePercent.toFixed(1)}`

function cells(name: string, { late, drain, idle, schedule, crash }: Row): string[] {
  const told = (value: number | null | undefined) =>
    value === null || value === undefined ? '–' : `${value}`
  const after = (value: number | null | undefined) => (value === null ? 'never' : told(value))
  return [
    name,
    ...(late ? [late.p50, late.p99, late.max, late.early].map(told) : ['–', '–', '–', '–']),
    told(drain?.perSecond),
    drain ? `${drain.worker} + ${drain.store}` : '–',
    told(idle?.statementsPerSecond),
    idle ? percent(idle) : '–',
    told(schedule && Math.round(schedule)),
    told(crash?.inFlight),
    told(crash?.startedTwice),
    after(crash?.othersAfter),
    after(crash?.inFlightAfter),
    told(crash?.unconfirmed),
  ]
}
