import { stderr } from 'node:process'

/** How far a long command is; on a terminal one line that is rewritten, elsewhere a line now and then. */
export interface Progress {
  /** So much is done of `total` now. */
  at(done: number): void
  /** Leaves the last state standing. */
  end(): void
}

const width = 24
/** Often enough for an eye, seldom enough for a log file. */
const paintMs = { terminal: 100, file: 5_000 }

/**
 * @param what what is being done, e.g. `migrating`
 * @param total how many units there are; 0 when nobody knows
 * @param unit the unit in the plural, e.g. `workspaces`, or `bytes`, which are shown as MB
 */
export function progress(what: string, total: number, unit: string): Progress {
  const started = performance.now()
  const every = stderr.isTTY ? paintMs.terminal : paintMs.file
  let painted = started
  let done = 0
  const paint = () => {
    painted = performance.now()
    const seconds = Math.max(0.001, (painted - started) / 1000)
    const line = progressLine(what, done, total, unit, seconds)
    stderr.write(stderr.isTTY ? `\r\x1b[2K${line}` : `${line}\n`)
  }
  return {
    at(now) {
      done = now
      if (performance.now() - painted >= every) paint()
    },
    end() {
      // A command that was over at once needs no bar.
      if (painted === started && performance.now() - started < every) return
      paint()
      if (stderr.isTTY) stderr.write('\n')
    },
  }
}

/** `migrating [########----------------] 1,200 of 5,000 workspaces · 46/s · 1 min 23 s left` */
export function progressLine(
  what: string,
  done: number,
  total: number,
  unit: string,
  seconds: number,
): string {
  const amount = (count: number) =>
    unit === 'bytes' ? `${(count / 1e6).toFixed(1)} MB` : count.toLocaleString('en')
  const rate = done / seconds
  const speed = unit === 'bytes' ? `${amount(rate)}/s` : `${rate < 10 ? rate.toFixed(1) : Math.round(rate)}/s`
  if (total <= 0) return `${what} ${amount(done)}${unit === 'bytes' ? '' : ` ${unit}`} · ${speed}`
  const share = Math.min(1, done / total)
  const filled = Math.round(share * width)
  const bar = `[${'#'.repeat(filled)}${'-'.repeat(width - filled)}]`
  const left =
    done >= total ? inWords(seconds) : rate > 0 ? `${inWords((total - done) / rate)} left` : 'waiting'
  const of = unit === 'bytes' ? amount(total) : `${amount(total)} ${unit}`
  return `${what} ${bar} ${amount(done)} of ${of} · ${speed} · ${left}`
}

function inWords(seconds: number): string {
  if (seconds < 60) return `${Math.ceil(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}
