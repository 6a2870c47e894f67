type Labels = Readonly<Record<string, string>>

/** In seconds. */
const latenessBuckets = [0.1, 0.3, 1, 3, 10, 30, 120, 600]
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export type Door = 'page' | 'api' | 'public'
/** One value, or one a set of labels. */
export type Reading = number | readonly { labels: Labels; value: number }[]
export interface Gauge {
  help: string
  value: Reading
  /** It only ever grows, but is read from elsewhere. */
  counts?: true
}

/** Counts of this process, in Prometheus' text format. Numbers only: no workspace, person or post is named. */
export interface Metrics {
  request(door: Door, status: number, seconds: number): void
  attempt(platform: string, outcome: string): void
  /** Where a read went that may go to the replica, and why there. */
  read(from: 'replica' | 'primary', why: string): void
  /** How long after its planned moment the first try of a job began, in seconds. */
  lateness(seconds: number): void
  /** One more of something that `name` and `help` describe; the name ends in `_total`. */
  count(name: string, help: string, labels?: Labels): void
  render(gauges: Readonly<Record<string, Gauge>>): string
}

/** https://prometheus.io/docs/instrumenting/exposition_formats/ (text format 0.0.4) */
export function createMetrics(): Metrics {
  const counters = new Map<string, { help: string; series: Map<string, number> }>()
  const lateness = histogram(
    'masthead_publish_lateness_seconds',
    'first try after the planned moment',
    latenessBuckets,
  )
  const requests = histogram(
    'masthead_request_seconds',
    'from the request to its answer, by door',
    requestBuckets,
  )
  lateness.declare({})
  for (const door of ['page', 'api', 'public'] as const) requests.declare({ door })
  const count = (name: string, help: string, labels: Labels = {}) => {
    const counter = counters.get(name) ?? { help, series: new Map<string, number>() }
    const key = labelsOf(labels)
    counter.series.set(key, (counter.series.get(key) ?? 0) + 1)
    counters.set(name, counter)
  }
  return {
    request(door, status, seconds) {
      count('masthead_requests_total', 'requests answered, by door and status', {
        door,
        status: String(status),
      })
      requests.add({ door }, seconds)
    },
    attempt: (platform, outcome) =>
      count('masthead_publish_attempts_total', 'attempts that ended, by platform and outcome', {
        platform,
        outcome,
      }),
    read: (from, why) =>
      count('masthead_reads_total', 'reads that may go to the replica, by where they went and why', {
        from,
        why,
      }),
    lateness: seconds => lateness.add({}, seconds),
    count,
    render(gauges) {
      const lines: string[] = []
      for (const [name, { help, series }] of counters) {
        lines.push(...heading(name, help, 'counter'))
        for (const [labels, value] of series) lines.push(`${name}${labels} ${value}`)
      }
      lines.push(...lateness.render(), ...requests.render())
      for (const [name, { help, value, counts }] of Object.entries(gauges)) {
        lines.push(...heading(name, help, counts ? 'counter' : 'gauge'))
        const readings = typeof value === 'number' ? [{ labels: {}, value }] : value
        for (const reading of readings) lines.push(`${name}${labelsOf(reading.labels)} ${reading.value}`)
      }
      return `${lines.join('\n')}\n`
    },
  }
}

function histogram(name: string, help: string, buckets: readonly number[]) {
  const series = new Map<string, { labels: Labels; counts: number[]; sum: number; count: number }>()
  const of = (labels: Labels) => {
    const key = labelsOf(labels)
    const found = series.get(key) ?? { labels, counts: buckets.map(() => 0), sum: 0, count: 0 }
    series.set(key, found)
    return found
  }
  return {
    /** Shows the series before the first of it. */
    declare: (labels: Labels) => void of(labels),
    add(labels: Labels, seconds: number): void {
      const one = of(labels)
      one.sum += seconds
      one.count++
      buckets.forEach((bound, at) => {
        if (seconds <= bound) one.counts[at] = (one.counts[at] ?? 0) + 1
      })
    },
    render: (): string[] => [
      ...heading(name, help, 'histogram'),
      ...[...series.values()].flatMap(({ labels, counts, sum, count }) => [
        ...buckets.map(
          (bound, at) => `${name}_bucket${labelsOf({ ...labels, le: `${bound}` })} ${counts[at]}`,
        ),
        `${name}_bucket${labelsOf({ ...labels, le: '+Inf' })} ${count}`,
        `${name}_sum${labelsOf(labels)} ${sum}`,
        `${name}_count${labelsOf(labels)} ${count}`,
      ]),
    ],
  }
}

const heading = (name: string, help: string, type: string) => [
  `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}`,
  `# TYPE ${name} ${type}`,
]

function labelsOf(labels: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`)
  return pairs.length > 0 ? `{${pairs.join(',')}}` : ''
}

const escaped = (value: string) =>
  value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
