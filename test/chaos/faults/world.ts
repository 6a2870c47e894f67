/** What some plays put around the processes: names, lines, and peers that only they know. */
import type { Authority, Line } from '../certificates.ts'
import type { Names } from '../names.ts'
import type { Rig } from '../rig.ts'

export interface World {
  names?: Names
  authority?: Authority
  lines: Line[]
}

let world: World | null = null

/**
 * Starts the processes anew, so that they know it.
 * @param settings of theirs beside those that they have anyway
 * @param allowed `host:port` that may be called whatever it leads to
 */
export async function enter(
  rig: Rig,
  own: World,
  allowed: readonly string[],
  settings: Record<string, string> = {},
): Promise<void> {
  world = own
  await rig.processes.startAnew({
    ...(own.names ? { names: own.names.file } : {}),
    settings: {
      ...settings,
      OUTBOUND_ALLOW: [...rig.platforms.hosts, ...allowed].join(','),
      ...(own.authority ? { NODE_EXTRA_CA_CERTS: own.authority.file } : {}),
    },
  })
}

/** Starts them as they were, and takes it all away. */
export async function leave(rig: Rig): Promise<void> {
  await rig.processes.startAnew()
  await Promise.all((world?.lines ?? []).map(line => line.stop()))
  world?.names?.remove()
  world?.authority?.remove()
  world = null
}
