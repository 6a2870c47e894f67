/** What ComfyUI holds: the files it made and the checkpoints it can draw with. */
import { z } from 'zod'
import { checkpointsIn } from './comfyui-graphs.ts'
import { ComfyFailed, exchange, parse, unexpected } from './comfyui-wire.ts'

/** Largest picture fetched, in bytes. */
export const maxGeneratedBytes = 20 * 1024 * 1024

export const outputFile = z.object({
  filename: z.string().min(1),
  subfolder: z.string(),
  type: z.enum(['output', 'temp', 'input']),
})
export type Output = z.infer<typeof outputFile>

/** The bytes of one output. They come from another program: read them like an upload. */
export async function fetchPicture(
  base: URL,
  output: Output,
  signal?: AbortSignal,
  maxBytes = maxGeneratedBytes,
): Promise<Uint8Array> {
  const asked = new URLSearchParams({
    filename: output.filename,
    subfolder: output.subfolder,
    type: output.type,
  })
  const answer = await exchange(base, `view?${asked}`, { signal, maxBytes })
  if (answer.status === 404) {
    throw new ComfyFailed('no_picture', 'ComfyUI no longer has the picture it made. Generate it again.')
  }
  if (answer.status !== 200) throw unexpected(base, answer.status)
  if (answer.bytes.length === 0)
    throw new ComfyFailed('no_picture', 'ComfyUI gave an empty file for the picture. Generate it again.')
  return answer.bytes
}

/** The checkpoints this ComfyUI has, as its loader node lists them; empty when none is installed. */
export async function listCheckpoints(base: URL, signal?: AbortSignal): Promise<string[]> {
  const answer = await exchange(base, 'object_info/CheckpointLoaderSimple', { signal })
  if (answer.status !== 200) throw unexpected(base, answer.status)
  const names = checkpointsIn(parse(base, z.unknown(), answer))
  if (!names)
    throw new ComfyFailed('missing_node', 'This ComfyUI has no node CheckpointLoaderSimple. Update ComfyUI.')
  return names
}
