/** The node classes our ComfyUI knows, in the shape of its /object_info. Source: Comfy-Org/ComfyUI, nodes.py. */

export type InputSpec = [type: string | string[], options?: Record<string, unknown>]

export interface NodeClass {
  input: {
    required: Record<string, InputSpec>
    optional?: Record<string, InputSpec>
    hidden?: Record<string, string>
  }
  output: string[]
  display: string
  category: string
  isOutput?: boolean
}

const int = (value: number, min: number, max: number, step = 1): InputSpec => [
  'INT',
  { default: value, min, max, step },
]
const size = (value: number) => int(value, 16, 16_384, 8)
const saved = { prompt: 'PROMPT', extra_pnginfo: 'EXTRA_PNGINFO' }

export function nodeClasses(checkpoints: string[]): Record<string, NodeClass> {
  return {
    EmptyImage: {
      input: {
        required: {
          width: int(512, 1, 16_384),
          height: int(512, 1, 16_384),
          batch_size: int(1, 1, 4096),
          color: ['INT', { default: 0, min: 0, max: 0xffffff, step: 1, display: 'color' }],
        },
      },
      output: ['IMAGE'],
      display: 'EmptyImage',
      category: 'image',
    },
    CheckpointLoaderSimple: {
      input: {
        required: { ckpt_name: [checkpoints, { tooltip: 'The name of the checkpoint (model) to load.' }] },
      },
      output: ['MODEL', 'CLIP', 'VAE'],
      display: 'Load Checkpoint',
      category: 'loaders',
    },
    CLIPTextEncode: {
      input: {
        required: { text: ['STRING', { multiline: true, dynamicPrompts: true }], clip: ['CLIP', {}] },
      },
      output: ['CONDITIONING'],
      display: 'CLIP Text Encode (Prompt)',
      category: 'conditioning',
    },
    EmptyLatentImage: {
      input: { required: { width: size(512), height: size(512), batch_size: int(1, 1, 4096) } },
      output: ['LATENT'],
      display: 'Empty Latent Image',
      category: 'latent',
    },
    KSampler: {
      input: {
        required: {
          model: ['MODEL', {}],
          seed: ['INT', { default: 0, min: 0, max: Number.MAX_SAFE_INTEGER, control_after_generate: true }],
          steps: int(20, 1, 10_000),
          cfg: ['FLOAT', { default: 8, min: 0, max: 100, step: 0.1, round: 0.01 }],
          sampler_name: [['euler', 'euler_ancestral', 'dpmpp_2m', 'ddim'], {}],
          scheduler: [['normal', 'karras', 'simple'], {}],
          positive: ['CONDITIONING', {}],
          negative: ['CONDITIONING', {}],
          latent_image: ['LATENT', {}],
          denoise: ['FLOAT', { default: 1, min: 0, max: 1, step: 0.01 }],
        },
      },
      output: ['LATENT'],
      display: 'KSampler',
      category: 'sampling',
    },
    VAEDecode: {
      input: { required: { samples: ['LATENT', {}], vae: ['VAE', {}] } },
      output: ['IMAGE'],
      display: 'VAE Decode',
      category: 'latent',
    },
    SaveImage: {
      input: {
        required: { images: ['IMAGE', {}], filename_prefix: ['STRING', { default: 'ComfyUI' }] },
        hidden: saved,
      },
      output: [],
      display: 'Save Image',
      category: 'image',
      isOutput: true,
    },
    PreviewImage: {
      input: { required: { images: ['IMAGE', {}] }, hidden: saved },
      output: [],
      display: 'Preview Image',
      category: 'image',
      isOutput: true,
    },
  }
}

/** One entry of /object_info. */
export function objectInfo(name: string, node: NodeClass) {
  return {
    input: node.input,
    input_order: Object.fromEntries(
      Object.entries(node.input).map(([kind, inputs]) => [kind, Object.keys(inputs)]),
    ),
    output: node.output,
    output_is_list: node.output.map(() => false),
    output_name: node.output,
    name,
    display_name: node.display,
    description: '',
    python_module: 'nodes',
    category: node.category,
    output_node: node.isOutput ?? false,
  }
}
