import { z } from 'zod'

/** The longest alt text that any platform takes; each account's own limit is checked when a post is made for it. */
export const maxAlt = 10_000
export const maxMediaName = 200

const alt = z
  .string({ error: 'must be a text' })
  .trim()
  .max(maxAlt, { error: `has at most ${maxAlt} characters` })

export const Upload = z.strictObject({
  file: z.instanceof(File, { error: 'must be one picture file' }),
  alt: alt.optional(),
})

export const MediaChange = z.strictObject({
  alt: alt.optional(),
  name: z
    .string({ error: 'must be a text' })
    .trim()
    .max(maxMediaName, { error: `has at most ${maxMediaName} characters` })
    .optional(),
})
export type MediaChange = z.infer<typeof MediaChange>

/** A file's name as people see it: without folders and control characters, at most 200 characters. */
export const cleanName = (given: string): string =>
  [...(given.split(/[\\/]/).at(-1) ?? '').replace(/\p{C}/gu, '').trim()].slice(0, maxMediaName).join('')
