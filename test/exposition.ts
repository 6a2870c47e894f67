/** A strict reader of Prometheus' text format 0.0.4: it throws at the first line that a server could not take. */
export interface Family {
  help: string
  type: string
  samples: { name: string; labels: Record<string, string>; value: number }[]
}

const sampleLine =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?)|[+-]Inf|NaN)$/i

export function readExposition(text: string): Map<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const families = new Map<string, Family>()
  const seen = new Set<string>()
  let current: [string, Family] | null = null
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line)
    const type = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)$/.exec(line)
    if (help) {
      if (families.has(help[1] ?? '')) throw new Error(`twice: ${line}`)
      const family: Family = { help: help[2] ?? '', type: '', samples: [] }
      families.set(help[1] ?? '', family)
      current = [help[1] ?? '', family]
    } else if (type) {
      if (!current || current[0] !== type[1] || current[1].type)
        throw new Error(`a type without its help: ${line}`)
      current[1].type = type[2] ?? ''
    } else {
      const sample = sampleLine.exec(line)
      if (!sample || !current?.[1].type) throw new Error(`no sample: ${line}`)
      const [, name = '', labels = '', value = ''] = sample
      const own = current[1].type === 'histogram' ? /^(.*)_(?:bucket|sum|count)$/.exec(name)?.[1] : name
      if (own !== current[0]) throw new Error(`not of ${current[0]}: ${line}`)
      if (seen.has(`${name}{${labels}}`)) throw new Error(`twice: ${line}`)
      seen.add(`${name}{${labels}}`)
      current[1].samples.push({ name, labels: readLabels(labels), value: Number(value) })
    }
  }
  for (const [name, family] of families) checkFamily(name, family)
  return families
}

function readLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {}
  let rest = text
  while (rest !== '') {
    const one = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/.exec(rest)
    if (!one || Object.hasOwn(labels, one[1] ?? '')) throw new Error(`no labels: ${text}`)
    labels[one[1] ?? ''] = (one[2] ?? '').replace(/\\(.)/g, (_, sign) => (sign === 'n' ? '\n' : sign))
    rest = rest.slice(one[0].length)
    if (one[3] === ',' && rest === '') throw new Error(`a comma at the end: ${text}`)
  }
  return labels
}

function checkFamily(name: string, { type, samples }: Family): void {
  if (samples.length === 0) throw new Error(`${name} has no sample`)
  if (type === 'counter' && !name.endsWith('_total')) throw new Error(`${name} counts, but is not a _total`)
  if (type !== 'histogram') return
  const series = new Map<string, { le: number; value: number }[]>()
  for (const { name: of, labels, value } of samples) {
    const { le, ...rest } = labels
    const key = JSON.stringify(rest)
    if (of.endsWith('_bucket'))
      series.set(key, [...(series.get(key) ?? []), { le: le === '+Inf' ? Infinity : Number(le), value }])
    if (of.endsWith('_count') && series.get(key)?.at(-1)?.value !== value)
      throw new Error(`${name}: the last bucket is not the count`)
  }
  for (const buckets of series.values()) {
    if (buckets.at(-1)?.le !== Infinity) throw new Error(`${name} has no bucket +Inf`)
    buckets.reduce((before, bucket) => {
      if (bucket.le <= before.le || bucket.value < before.value) throw new Error(`${name} is not monotone`)
      return bucket
    })
  }
}
