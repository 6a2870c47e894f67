import type { z } from 'zod'
import type { Scope } from '../db/scope.ts'
import { Invalid } from '../errors.ts'
import { fieldErrors } from '../http/form.ts'
import { findMedia } from '../media/find.ts'
import { changeMedia } from '../media/media.ts'
import { MediaChange } from '../media/schema.ts'
import { allow, may } from '../permissions.ts'
import { scheduleJobs } from '../publishing/schedule.ts'
import { type Job, ScheduleForm, scheduleOf } from '../publishing/schema.ts'
import { inRepeatNames, ruleOf } from '../recurrences/form.ts'
import { createRecurrence } from '../recurrences/recurrences.ts'
import { createContent, saveContent } from './content.ts'
import { keepDraft } from './drafts.ts'
import { type Content, readPiece } from './find.ts'
import { checked, named, type Typed, typedFrom } from './typed.ts'
import { plannedWords } from './words.ts'

/** @throws Invalid in the form's names, Conflict, NotFound */
export async function saveTyped(scope: Scope, id: string | null, typed: Typed): Promise<Content> {
  allow(scope, 'content.write')
  const kept = id ? (await readPiece(scope, id)).variants : []
  const given = checked(typed, kept)
  const saved = await inFormNames(
    () =>
      id
        ? saveContent(scope, id, { ...given, version: typed.version ?? undefined })
        : createContent(scope, given),
    given.variants,
  )
  // Afterwards: new words make a draft of what was approved, and then no alt text can break its seal.
  await saveAlts(scope, typed)
  return saved
}

/** Alt text belongs to the picture; what was typed beside it here is its new one. */
async function saveAlts(scope: Scope, typed: Typed): Promise<void> {
  if (!may(scope.actor, 'media.write')) return
  for (const { id, alt } of await findMedia(scope, typed.media)) {
    const wanted = typed.alts[id]
    if (wanted === undefined || wanted.trim() === alt) continue
    const parsed = MediaChange.safeParse({ alt: wanted })
    if (!parsed.success)
      throw new Invalid('Not saved yet: please look at the marked fields.', [
        { path: `alt.${id}`, message: `This ${fieldErrors(parsed.error)[0]?.message ?? 'is too long'}.` },
      ])
    await changeMedia(scope, id, parsed.data)
  }
}

/** Runs a move and tells its refusal in the names of the form's fields. */
export async function inFormNames<T>(
  work: () => Promise<T>,
  variants: readonly { accountId: string }[] = [],
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Invalid)) throw error
    throw new Invalid(error.message, named(error.errors, variants), error.code)
  }
}

/** Where and when it is to go out is remembered, for whoever chose it, until it is planned. */
export async function keepPlan(scope: Scope, content: Content, typed: Typed): Promise<void> {
  if (typed.accounts.length === 0 && !typed.local) return
  const piece = await readPiece(scope, content.id)
  const { accounts, local, zone, fold, repeat } = typed
  await keepDraft(scope, content.id, { ...typedFrom(piece, zone), accounts, local, fold, repeat })
}

/**
 * Plans what was typed: once, or by a rule where it says how often.
 * @returns the jobs of a post that goes out once, and what to say
 * @throws Invalid in the form's names
 */
export async function planTyped(
  scope: Scope,
  content: Content,
  body: unknown,
  typed: Typed,
): Promise<{ jobs: Job[]; said: string }> {
  const form = scheduleForm(body, typed)
  const { repeat, zone, local, accounts } = typed
  if (repeat.every === '') {
    const { items } = await scheduleJobs(scope, content.id, scheduleOf(form, zone))
    return { jobs: items, said: plannedWords(items, form.when === 'now') }
  }
  if (form.when !== 'at')
    throw new Invalid('A post that repeats needs its first day and time: choose them, and Schedule.', [
      { path: 'every', message: 'Choose “Once”, or a day and a time and Schedule.' },
    ])
  const made = await inRepeatNames(async () =>
    createRecurrence(scope, content.id, {
      accounts,
      rule: ruleOf(repeat, local),
      start: { local, zone },
      lateMinutes: form.lateMinutes,
    }),
  )
  return { jobs: [], said: `${made.words} (${zone}). The next five weeks are planned.` }
}

/** @throws Invalid in the form's names */
export function scheduleForm(body: unknown, typed: Typed): z.infer<typeof ScheduleForm> {
  const { when, _late: late } = (body ?? {}) as Record<string, unknown>
  const parsed = ScheduleForm.safeParse({
    accounts: typed.accounts,
    when: Array.isArray(when) ? when.at(-1) : when,
    local: typed.local || undefined,
    zone: typed.zone,
    fold: typed.fold || undefined,
    lateMinutes: typeof late === 'string' && late !== '' ? Number(late) : undefined,
  })
  if (!parsed.success) {
    const errors = fieldErrors(parsed.error).map(({ path, message }) => ({
      path,
      message: path === 'accounts' ? 'Choose at least one account to publish to.' : `Please ${message}.`,
    }))
    throw new Invalid(errors[0]?.message ?? 'Choose where and when it goes out.', errors)
  }
  if (parsed.data.when === 'at' && !parsed.data.local)
    throw new Invalid('Choose a day and a time, or publish now.', [
      { path: 'local', message: 'Choose a day and a time.' },
    ])
  return parsed.data
}
