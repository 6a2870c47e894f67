/**
 * Loaded before the app in one process of the rig: its clock is wrong by SKEW_MS (from the moment SKEW_FROM on, else from
 * the start), it dies by SIGKILL where it first comes to the step CRASH_AT, and names lead where the file NAMES says.
 */
import { crashAt } from '../../src/jobs/crash.ts'
import { lookUpIn } from './names.ts'

const { SKEW_MS, SKEW_FROM, CRASH_AT, NAMES } = process.env
if (CRASH_AT) crashAt(CRASH_AT)
if (NAMES) lookUpIn(NAMES)
const skew = Number(SKEW_MS ?? 0)
const from = Number(SKEW_FROM ?? 0)
if (skew !== 0) {
  const RealDate = Date
  const real = Date.now.bind(Date)
  const told = () => (real() >= from ? real() + skew : real())
  globalThis.Date = class extends RealDate {
    constructor(...given: [] | [string | number]) {
      if (given.length === 0) super(told())
      else super(...given)
    }
    static override now(): number {
      return told()
    }
  } as DateConstructor
}
