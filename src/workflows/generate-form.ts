import { Invalid } from '../errors.ts'
import { type PictureWish, pictureWish } from '../integrations/comfyui-graphs.ts'
import { type GenerateForm, type Size, sizes } from './schema.ts'

/** @throws Invalid when a model is chosen and nothing is said to draw */
export function wishOf({ model, prompt, negative, size, colour }: GenerateForm): PictureWish {
  const { width, height } = sizes[size]
  if (model === '') return { graph: 'plain', colour, width, height }
  const missing = 'Say what the picture shows.'
  if (prompt === '') throw new Invalid(missing, [{ path: 'prompt', message: missing }])
  return { graph: 'checkpoint', checkpoint: model, prompt, negative, width, height }
}

/** The form as it would be filled for a wish, to ask again in other words. */
export function formOf(input: unknown): Record<string, string> {
  const wish = pictureWish.safeParse(input).data
  if (!wish) return {}
  const size = (Object.keys(sizes) as Size[]).find(
    name => sizes[name].width === wish.width && sizes[name].height === wish.height,
  )
  const rest =
    wish.graph === 'plain'
      ? { model: '', colour: wish.colour }
      : { model: wish.checkpoint, prompt: wish.prompt, negative: wish.negative }
  return { ...rest, size: size ?? 'square' }
}
