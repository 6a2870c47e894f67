import type { TenantFigures } from './index.ts'

/** One line a figure: what it is, what it came to, what it is held against. */
export function print(figures: TenantFigures): void {
  const { scopedRead, creation, fanOut, eraseMs, capsule, backendMemory, idle } = figures
  const [few, many] = idle
  const aims = [0.5, 0.28, 0.16]
  const rows: [string, string, string][] = [
    ...scopedRead.map(({ tenants, plainPerSecond, scopedPerSecond, ratio }, at): [string, string, string] => [
      `scoped read ÷ plain read, ${tenants.toLocaleString('en')} tenants`,
      `${ratio.toFixed(2)} (${scopedPerSecond}/s of ${plainPerSecond}/s)`,
      `aim ${aims[at]}`,
    ]),
    ['creation at 100 tenants', `${creation.perSecondAt100} tenants/s`, ''],
    [
      `creation at ${figures.tenants.toLocaleString('en')} tenants`,
      `${creation.perSecondAtMany} tenants/s, ${creation.tablesPerSecondAtMany} tables/s`,
      `ratio ${creation.ratio}, must be 0.5; aim 190 tables/s`,
    ],
    [
      'one tenant',
      `${creation.perTenant.tables} tables, ${creation.perTenant.pgClassRows} pg_class rows, ${creation.perTenant.kilobytes} kB`,
      '',
    ],
    ['add column everywhere, 4 workers', `${fanOut.perSecond} tenants/s`, 'aim 46/s'],
    ['erase one tenant', `${eraseMs} ms`, ''],
    ['capsule out', `${capsule.exportMBs} MB/s of ${capsule.megabytes} MB`, ''],
    ['capsule in', `${capsule.importMBs} MB/s`, ''],
    ...(backendMemory
      ? [
          [
            `one backend after ${backendMemory.tenants.toLocaleString('en')} tenants`,
            `${backendMemory.startMiB} → ${backendMemory.afterMiB} MiB private`,
            `${backendMemory.perTenantKiB} KiB a tenant; bounded by 10 connections that live 15 minutes`,
          ] as [string, string, string],
        ]
      : []),
    [
      'start of the app',
      `${few.startMs} ms with ${few.tenants}, ${many.startMs} ms with ${many.tenants}`,
      'the same',
    ],
    [
      'idle, nothing due',
      `${few.statementsPerSecond} and ${many.statementsPerSecond} statements/s, ${few.appCpuPercent} and ${many.appCpuPercent} % CPU`,
      'the same',
    ],
  ]
  const widths = [0, 1].map(at => Math.max(...rows.map(row => (row[at] ?? '').length)))
  console.error('')
  for (const [what, came, against] of rows)
    console.error(`${what.padEnd(widths[0] ?? 0)}  ${came.padEnd(widths[1] ?? 0)}  ${against}`.trimEnd())
  console.error('')
}
