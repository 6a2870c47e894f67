import { z } from 'zod'
import type { EventType } from '../events.ts'

export const maxWorkflowName = 120
export const maxWebhookPath = 200

/** Events that may start a workflow. */
export const triggers = ['publish_job.published'] as const satisfies readonly EventType[]
export type Trigger = (typeof triggers)[number]

const name = z
  .string({ error: 'must be a text' })
  .trim()
  .min(1, { error: 'give the workflow a name' })
  .max(maxWorkflowName, { error: `has at most ${maxWorkflowName} characters` })
/** The client's own rule (`webhookAddress`) decides; here only what a string may be. */
const path = z
  .string({ error: 'must be a text' })
  .trim()
  .min(1, { error: 'give the path of the Webhook node' })
  .max(2000, { error: `has at most ${maxWebhookPath} characters` })
const trigger = z.enum(triggers, { error: `must be ${triggers.join(' or ')}` })

export const NewWorkflow = z.strictObject({ name, path, trigger: trigger.default('publish_job.published') })
export type NewWorkflow = z.infer<typeof NewWorkflow>

export const WorkflowChange = z.strictObject({
  name: name.optional(),
  path: path.optional(),
  active: z.boolean({ error: 'must be true or false' }).optional(),
})
export type WorkflowChange = z.infer<typeof WorkflowChange>

/** Most bytes of an input that a caller gives, as JSON. */
export const maxInputBytes = 256 * 1024

/** Without `input`, a sample is sent that looks like a published post. */
export const NewRun = z
  .strictObject({
    input: z.record(z.string(), z.unknown(), { error: 'must be a JSON object' }).optional(),
  })
  .nullish()
export type NewRun = z.infer<typeof NewRun>

/** Sizes offered in the form, in pixels; all are multiples of 8 and near one megapixel, which is what the models like. */
export const sizes = {
  square: { label: 'Square', width: 1024, height: 1024 },
  landscape: { label: 'Landscape', width: 1216, height: 832 },
  portrait: { label: 'Portrait', width: 832, height: 1216 },
  wide: { label: 'Wide, for link cards', width: 1200, height: 632 },
} as const
export type Size = keyof typeof sizes

export const maxPrompt = 5000
const promptText = z
  .string()
  .trim()
  .max(maxPrompt, { error: `has at most ${maxPrompt} characters` })

/** The Generate form; an empty model asks for a plain card. */
export const GenerateForm = z.strictObject({
  model: z.string().max(300, { error: 'choose one of the models' }),
  prompt: promptText.default(''),
  negative: promptText.default(''),
  size: z.enum(Object.keys(sizes) as [Size, ...Size[]], { error: 'choose a size' }),
  colour: z
    .string()
    .regex(/^#[0-9a-f]{6}$/i, { error: 'choose a colour' })
    .default('#1e6b52'),
})
export type GenerateForm = z.infer<typeof GenerateForm>

/** A workflow as the API answers it. The secret is in the answer that made it, and nowhere else. */
export interface Workflow {
  id: string
  name: string
  trigger: Trigger
  /** What stands behind `/webhook/` in the n8n address. */
  path: string
  active: boolean
  createdAt: string
}

export const runStates = ['waiting', 'running', 'succeeded', 'failed'] as const
export type RunState = (typeof runStates)[number]
export type RunKind = 'n8n' | 'comfyui'

/** One call of a workflow, or one picture being drawn. Times are ISO 8601. */
export interface Run {
  id: string
  workflowId: string | null
  kind: RunKind
  state: RunState
  input: unknown
  /** n8n: what the flow answered. ComfyUI: how far it is, then `{mediaId, promptId, seed}`. */
  answer: unknown
  /** One sentence: what became of it, or why it is tried again. */
  outcome: string | null
  tries: number
  nextTryAt: string | null
  createdAt: string
  endedAt: string | null
}
