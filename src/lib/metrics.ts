type Labels = Readonly<Record<string, string>>

const latenessBuckets = [0.1, 0.3, 1, 3, 10, 30, 120, 600]

/** Counts of this process, in Prometheus' text format. Numbers only: no workspace, person or post is named. */
export interface Metrics {
  request(door: 'page' | 'api' | 'public', status: number): void
  attempt(platform: string, outcome: string): void
  /** Where a read went that may go to the replica, and why there. */
  read(from: 'replica' | 'primary', why: string): void
  /** How long after its planned moment the first try of a job began, in seconds. */
  lateness(seconds: number): void
  render(gauges: Readonly<Record<string, { help: string; value: number }>>): string
}

export function createMetrics(): Metrics {
  const counters = new Map<string, Map<string, number>>()
  const buckets = latenessBuckets.map(() => 0)
  let latenessSum = 0
  let latenessCount = 0
  const add = (name: string, labels: Labels) => {
    const series = counters.get(name) ?? new Map<string, number>()
    const key = Object.entries(labels)
      .map(([label, value]) => `${label}="${value.replace(/["\\\n]/g, '_')}"`)
      .join(',')
    series.set(key, (series.get(key) ?? 0) + 1)
    counters.set(name, series)
  }
  return {
    request: (door, status) =>
      add('masthead_requests_total', { door, status: `${Math.floor(status / 100)}xx` }),
    attempt: (platform, outcome) => add('masthead_publish_attempts_total', { platform, outcome }),
    read: (from, why) => add('masthead_reads_total', { from, why }),
    lateness(seconds) {
      latenessSum += seconds
      latenessCount++
      latenessBuckets.forEach((bound, at) => {
        if (seconds <= bound) buckets[at] = (buckets[at] ?? 0) + 1
      })
    },
    render(gauges) {
      const lines: string[] = []
      for (const [name, series] of counters) {
        lines.push(`# TYPE ${name} counter`)
        for (const [labels, value] of series) lines.push(`${name}{${labels}} ${value}`)
      }
      const histogram = 'masthead_publish_lateness_seconds'
      lines.push(`# HELP ${histogram} first try after the planned moment`, `# TYPE ${histogram} histogram`)
      for (const [at, bound] of latenessBuckets.entries())
        lines.push(`${histogram}_bucket{le="${bound}"} ${buckets[at]}`)
      lines.push(`${histogram}_bucket{le="+Inf"} ${latenessCount}`)
      lines.push(`${histogram}_sum ${latenessSum}`, `${histogram}_count ${latenessCount}`)
      for (const [name, { help, value }] of Object.entries(gauges))
        lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name} ${value}`)
      return `${lines.join('\n')}\n`
    },
  }
}
