import type { Scope } from '../db/scope.ts'
import type { JobError } from './schema.ts'

/** A part of a thread that is out. */
export interface PartOut {
  remoteId: string
  remoteUrl: string | null
}

/** Under this name a job remembers that a part of its thread is out. */
export const partStep = (part: number): string => `part-${part}`

/** What a later part remembers of being sent, apart from what the others do. */
export const partName = (part: number, name: string): string => `${part}/${name}`

/** What one part remembers of being sent, by the names that adapters give it. */
export function stepsOf<Value>(steps: Readonly<Record<string, Value>>, part: number): Record<string, Value> {
  if (part === 1) return { ...steps }
  const prefix = partName(part, '')
  return Object.fromEntries(
    Object.entries(steps).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  )
}

/** The parts that are known to be out, in their order; none for a post that is not a thread. */
export function outOf(steps: Readonly<Record<string, unknown>>): PartOut[] {
  const out: PartOut[] = []
  for (let part = 1; steps[partStep(part)] !== undefined; part++) out.push(steps[partStep(part)] as PartOut)
  return out
}

/** Whether some part of the job `j` of the statement is out: then it is neither sent with other words nor called cancelled. */
export const partlyOut = ({ sql }: Pick<Scope, 'sql'>) => sql`j.steps ? ${partStep(1)}`

/** What stands at a thread that was called off after its first parts had gone out. */
export const calledOffPartly: JobError = {
  code: 'called_off_partly',
  message: 'It was called off after a part of it had gone out. Nothing more is sent.',
  next: 'The parts that are out stand below. Delete them at the network if they should not stay, or send the rest.',
  link: null,
}
