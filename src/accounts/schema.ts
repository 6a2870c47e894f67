import { z } from 'zod'
import { platforms } from '../platforms/index.ts'
import type { Json, Platform, PlatformId } from '../platforms/platform.ts'

/** The platforms that people connect; the own feed is there from the start. */
export const connectable: readonly Platform[] = Object.values(platforms).filter(p => p.connectable)

/** The platform of that id, when it is one that people connect. */
export const connectablePlatform = (id: string): Platform | null => connectable.find(p => p.id === id) ?? null

export interface NewConnection {
  platform: PlatformId
  settings: Record<string, Json>
}

const connection = ({ id, settings }: Platform) =>
  z.strictObject({ platform: z.literal(id), settings: settings.prefault({}) })

/** What one platform asks for, as its own form sends it: fields named `settings.…`. */
export const connectionForm = ({ settings }: Platform) => z.strictObject({ settings: settings.prefault({}) })

const { rehearsal } = platforms
export const NewAccount = z.discriminatedUnion(
  'platform',
  [connection(rehearsal), ...connectable.filter(platform => platform !== rehearsal).map(connection)],
  { error: `must be one of ${connectable.map(platform => platform.id).join(', ')}` },
)

export const AccountChange = z.strictObject({
  name: z
    .string({ error: 'must be a text' })
    .trim()
    .min(1, { error: 'must not be empty' })
    .max(120, { error: 'has at most 120 characters' }),
})
export type AccountChange = z.infer<typeof AccountChange>
