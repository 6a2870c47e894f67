/** What a finished graph leaves behind in our ComfyUI: real PNG files, named as SaveImage names them. */
import sharp from 'sharp'
import type { Graph, GraphNode } from './comfyui-validate.ts'

export interface Output {
  images: { filename: string; subfolder: string; type: 'output' | 'temp' }[]
}

/** Follows the links back to the node that fixes the picture's size. */
function sourceOf(node: GraphNode | undefined, graph: Graph): GraphNode | null {
  if (!node) return null
  if (node.class_type === 'EmptyImage' || node.class_type === 'EmptyLatentImage') return node
  for (const name of ['images', 'samples', 'latent_image']) {
    const link = node.inputs[name]
    const found = Array.isArray(link) ? sourceOf(graph[String(link[0])], graph) : null
    if (found) return found
  }
  return null
}

const number = (value: unknown, fallback: number) => (value === undefined ? fallback : Number(value))

/** Draws every output node's picture into `files` (key `<type>/<subfolder>/<name>`) and answers the history's `outputs`. */
export async function drawOutputs(
  graph: Graph,
  outputs: string[],
  files: Map<string, Uint8Array>,
): Promise<Record<string, Output>> {
  const result: Record<string, Output> = {}
  for (const id of outputs) {
    const node = graph[id]
    const source = sourceOf(node, graph)
    if (!node || !source) continue
    const { inputs } = source
    // A generated picture has no colour of its own: the seed gives one, so that two seeds are two pictures.
    const seed = Object.values(graph).find(other => other.class_type === 'KSampler')?.inputs.seed
    const color =
      source.class_type === 'EmptyImage' ? number(inputs.color, 0) : number(seed, 0) * 2_654_435_761
    const [r, g, b] = [(color >>> 16) & 255, (color >>> 8) & 255, color & 255]
    const width = number(inputs.width, 512)
    const height = number(inputs.height, 512)
    const bytes = await sharp({ create: { width, height, channels: 3, background: { r, g, b } } })
      .png()
      .toBuffer()
    const type = node.class_type === 'PreviewImage' ? 'temp' : 'output'
    const prefix = type === 'temp' ? 'ComfyUI_temp' : String(node.inputs.filename_prefix)
    const parts = prefix.split('/')
    const name = parts.pop() ?? 'ComfyUI'
    const subfolder = parts.join('/')
    const images: Output['images'] = []
    for (let left = number(inputs.batch_size, 1); left > 0; left--) {
      const folder = `${type}/${subfolder ? `${subfolder}/` : ''}`
      let counter = 1
      while (files.has(`${folder}${name}_${`${counter}`.padStart(5, '0')}_.png`)) counter += 1
      const filename = `${name}_${`${counter}`.padStart(5, '0')}_.png`
      files.set(folder + filename, bytes)
      images.push({ filename, subfolder, type })
    }
    result[id] = { images }
  }
  return result
}
