/** The two graphs we send to ComfyUI, as functions of a wish, and ComfyUI's refusals of a graph in words. Pure. */
import { z } from 'zod'

/** A graph as POST /prompt takes it; an input is a literal or `[node id, output slot]`. https://docs.comfy.org/development/api-development/overview */
export type Graph = Record<
  string,
  { class_type: string; inputs: Record<string, string | number | [string, number]> }
>

const side = z.int().min(16).max(4096)

export const plainWish = z.strictObject({
  graph: z.literal('plain'),
  /** `#rrggbb` */
  colour: z.string().regex(/^#[0-9a-f]{6}$/i, 'A colour is written #rrggbb.'),
  width: side,
  height: side,
})

export const checkpointWish = z.strictObject({
  graph: z.literal('checkpoint'),
  /** A file name as `listCheckpoints` gives it. */
  checkpoint: z.string().min(1).max(300),
  prompt: z.string().min(1).max(5000),
  negative: z.string().max(5000).default(''),
  /** Same seed, same picture. 53 bits, so that it survives JSON. */
  seed: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
  /** Pixels; taken down to a multiple of 8, as latents are. */
  width: side,
  height: side,
  steps: z.int().min(1).max(150).default(20),
  guidance: z.number().min(0).max(30).default(7),
})

/** What somebody asks to have drawn; strict, so it can be parsed straight from a form or a JSON body. */
export const pictureWish = z.discriminatedUnion('graph', [plainWish, checkpointWish])
export type PictureWish = z.input<typeof pictureWish>

/** A seed like ComfyUI's own dice, within what JSON numbers hold exactly. */
export const randomSeed = (): number => Math.floor(Math.random() * Number.MAX_SAFE_INTEGER)

/** The graph for a wish. `name` begins the file name there and must differ per submission, else ComfyUI's cache answers with an old file. */
export function graphFor(wish: PictureWish, seed: number, name: string): Graph {
  const sound = pictureWish.parse(wish)
  return sound.graph === 'plain' ? plainGraph(sound, name) : checkpointGraph({ ...sound, seed }, name)
}

/** One colour, without any model: EmptyImage → SaveImage, both in ComfyUI's own nodes.py, so it runs on every install. */
export function plainGraph(wish: z.output<typeof plainWish>, name: string): Graph {
  const color = Number.parseInt(wish.colour.slice(1), 16)
  const { width, height } = wish
  return {
    '1': { class_type: 'EmptyImage', inputs: { width, height, batch_size: 1, color } },
    '9': { class_type: 'SaveImage', inputs: { images: ['1', 0], filename_prefix: name } },
  }
}

/** Text to image with one checkpoint: ComfyUI's default workflow. */
export function checkpointGraph(
  wish: z.output<typeof checkpointWish> & { seed: number },
  name: string,
): Graph {
  const width = wish.width - (wish.width % 8)
  const height = wish.height - (wish.height % 8)
  return {
    '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: wish.checkpoint } },
    '6': { class_type: 'CLIPTextEncode', inputs: { clip: ['4', 1], text: wish.prompt } },
    '7': { class_type: 'CLIPTextEncode', inputs: { clip: ['4', 1], text: wish.negative } },
    '5': { class_type: 'EmptyLatentImage', inputs: { width, height, batch_size: 1 } },
    '3': {
      class_type: 'KSampler',
      inputs: {
        model: ['4', 0],
        positive: ['6', 0],
        negative: ['7', 0],
        latent_image: ['5', 0],
        seed: wish.seed,
        steps: wish.steps,
        cfg: wish.guidance,
        sampler_name: 'euler',
        scheduler: 'normal',
        denoise: 1,
      },
    },
    '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
    '9': { class_type: 'SaveImage', inputs: { images: ['8', 0], filename_prefix: name } },
  }
}

const loader = z.object({
  CheckpointLoaderSimple: z.object({
    input: z.object({
      required: z.object({
        ckpt_name: z.union([
          z.tuple([z.array(z.string())], z.unknown()),
          z.tuple([z.literal('COMBO'), z.object({ options: z.array(z.string()) })], z.unknown()),
        ]),
      }),
    }),
  }),
})

/** The checkpoint names in an answer of /object_info/CheckpointLoaderSimple, older and newer form of a combo; null when it holds none. */
export function checkpointsIn(objectInfo: unknown): string[] | null {
  const read = loader.safeParse(objectInfo)
  if (!read.success) return null
  const [first, second] = read.data.CheckpointLoaderSimple.input.required.ckpt_name
  if (Array.isArray(first)) return first
  return z.object({ options: z.array(z.string()) }).parse(second).options
}

const nodeErrors = z.record(
  z.string(),
  z.object({
    class_type: z.string().catch('?'),
    errors: z
      .array(
        z.object({
          type: z.string().catch(''),
          message: z.string().catch(''),
          details: z.string().catch(''),
          extra_info: z
            .object({ input_name: z.string().catch(''), received_value: z.unknown() })
            .partial()
            .nullish()
            .catch(null),
        }),
      )
      .catch([]),
  }),
)

export interface NodeTrouble {
  kind: 'missing_model' | 'refused'
  message: string
}

/** One sentence for each thing ComfyUI finds wrong with a node; empty for `{}`. Read it on 200 as well: a graph may be taken in part. */
export function nodeTroubles(errors: unknown): NodeTrouble[] {
  const read = nodeErrors.safeParse(errors ?? {})
  if (!read.success)
    return [{ kind: 'refused', message: 'ComfyUI found fault with the graph in a form we do not know.' }]
  return Object.entries(read.data).flatMap(([id, node]) => {
    const found = node.errors.map((error): NodeTrouble => {
      const input = error.extra_info?.input_name ?? ''
      if (error.type === 'value_not_in_list' && /_name$/.test(input)) {
        const wanted = plainWords(String(error.extra_info?.received_value ?? error.details))
        const message = `ComfyUI does not have the model “${wanted}”. Choose one that it lists, or put the file into its models folder.`
        return { kind: 'missing_model', message }
      }
      const why = plainWords([error.message, error.details].filter(Boolean).join(': '))
      return {
        kind: 'refused',
        message: `ComfyUI refuses the node ${node.class_type} (${id}): ${why || 'no reason given'}.`,
      }
    })
    return found.length > 0
      ? found
      : [
          {
            kind: 'refused',
            message: `ComfyUI refuses the node ${node.class_type} (${id}) without a reason.`,
          } as const,
        ]
  })
}

/** Text of a peer, fit to be shown: one line, 300 characters, and no folder of its machine. */
export function plainWords(text: string): string {
  const bare = text.replace(/(?:[A-Za-z]:)?(?:[\\/][^\s\\/:'"]+)+[\\/]([^\s\\/:'"]+)/g, '…/$1')
  return bare
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, 300)
    .toWellFormed()
}
