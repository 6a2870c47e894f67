/** How many snapshots stay: the newest of each of so many days and weeks that have one, and all of the last hours. */
export const kept = { hours: 48, days: 7, weeks: 4 }

const dayMs = 86_400_000
/** 1970-01-05 was a Monday. */
const mondayMs = 4 * dayMs

/**
 * Which snapshots may go. Days and weeks without one do not count, so a workspace that nobody touches keeps what it
 * has. Days and weeks are those of UTC.
 * @param snapshots with the moments they were taken at, ISO 8601
 */
export function outlived<T extends { at: string }>(snapshots: readonly T[], now: string): T[] {
  const newestFirst = snapshots.toSorted((a, b) => Date.parse(b.at) - Date.parse(a.at))
  const stays = new Set<T>()
  const keepNewestOfEach = (bucketOf: (ms: number) => number, most: number) => {
    const seen = new Set<number>()
    for (const one of newestFirst) {
      const bucket = bucketOf(Date.parse(one.at))
      if (seen.has(bucket) || seen.size === most) continue
      seen.add(bucket)
      stays.add(one)
    }
  }
  keepNewestOfEach(ms => Math.floor(ms / dayMs), kept.days)
  keepNewestOfEach(ms => Math.floor((ms - mondayMs) / (7 * dayMs)), kept.weeks)
  const recent = Date.parse(now) - kept.hours * 3_600_000
  return newestFirst.filter(one => !stays.has(one) && Date.parse(one.at) < recent)
}
