/** Loaded before the app in one process of the rig: its own clock is wrong by SKEW_MS. */
const skew = Number(process.env.SKEW_MS ?? 0)
const RealDate = Date
const real = Date.now.bind(Date)
globalThis.Date = class extends RealDate {
  constructor(...given: [] | [string | number]) {
    if (given.length === 0) super(real() + skew)
    else super(...given)
  }
  static override now(): number {
    return real() + skew
  }
} as DateConstructor
