import { z } from 'zod'
import { ListQuery } from '../lib/cursor.ts'
import type { Counts } from '../platforms/platform.ts'

const edge = z.union([z.iso.date(), z.iso.datetime({ offset: true })], {
  error: 'must be a date such as 2026-11-01, or a time with an offset such as 2026-11-01T00:00:00Z',
})

export const AnalyticsQuery = ListQuery.extend({
  content: z.string().optional().describe('Only the posts of this piece of content.'),
  from: edge.optional().describe('Published on or after this date (workspace’s zone) or instant.'),
  to: edge
    .optional()
    .describe('Published on or before this date (workspace’s zone), or before this instant.'),
})
export type AnalyticsQuery = z.infer<typeof AnalyticsQuery>

/** How one published post does: its latest numbers, and the ones before, oldest first. */
export interface PostCounts {
  jobId: string
  contentId: string
  accountId: string
  platform: string
  publishedAt: string
  /** null while nothing was counted yet. */
  countedAt: string | null
  counts: Counts
  history: { at: string; counts: Counts }[]
}
