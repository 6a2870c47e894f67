import type { Run } from '../../src/workflows/schema.ts'

/** How far a picture is, in a sentence. */
export function drawingWords({ state, tries, answer }: Pick<Run, 'state' | 'tries' | 'answer'>): string {
  if (state === 'waiting')
    return tries > 0 ? 'It will be tried again.' : 'It is handed to ComfyUI in a second.'
  const { progress, ahead, message, submission } = (answer ?? {}) as {
    progress?: string
    ahead?: number
    message?: string
    submission?: number
  }
  const again = (submission ?? 1) > 1 ? ' It was submitted again after a restart of ComfyUI.' : ''
  switch (progress) {
    case 'queued': {
      const before = ahead ?? 0
      if (before === 0) return `It is next in ComfyUI’s queue.${again}`
      return `It waits in ComfyUI’s queue, ${before} before it.${again}`
    }
    case 'running':
      return `ComfyUI is drawing it.${again}`
    case 'waiting':
      return message ?? 'ComfyUI does not answer just now; it is asked again.'
    default:
      return `It is on its way to ComfyUI.${again}`
  }
}
