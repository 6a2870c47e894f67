import type { Catalogue } from './entry.ts'
import { misfits, ours } from './everywhere.ts'

/** Nothing leaves the house, so only the post itself can be at fault, or we. */
export const feed = { ...misfits, ...ours } as const satisfies Catalogue
