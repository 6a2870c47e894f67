/** Our ComfyUI refuses, half-accepts, queues, draws and forgets as the real one was seen to. */
import { afterAll, beforeAll, expect, test } from 'bun:test'
import sharp from 'sharp'
import { type Comfyui, startComfyui } from './comfyui.ts'

let comfy: Comfyui
beforeAll(async () => {
  comfy = await startComfyui()
})
afterAll(() => comfy.stop())

interface Finished {
  status: { messages: [string, { exception_message?: string }][] }
  outputs: Record<string, { images: { filename: string; subfolder: string; type: string }[] }>
}
interface Queue {
  queue_running: [number, string][]
  queue_pending: [number, string][]
}

const get = async <T>(path: string) => (await (await fetch(comfy.url + path)).json()) as T
async function post(path: string, body: unknown) {
  const response = await fetch(comfy.url + path, { method: 'POST', body: JSON.stringify(body) })
  const text = await response.text()
  return { status: response.status, body: text ? JSON.parse(text) : null }
}
async function finished(id: string) {
  for (let tries = 0; tries < 400; tries++) {
    const entry = (await get<Record<string, Finished>>(`/history/${id}`))[id]
    if (entry) return entry
    await Bun.sleep(5)
  }
  throw new Error(`job ${id} did not finish`)
}

const image = (inputs: object = {}) => ({
  class_type: 'EmptyImage',
  inputs: { width: 64, height: 32, batch_size: 1, color: 0xff8000, ...inputs },
})
const save = (from: string, prefix = 'desk') => ({
  class_type: 'SaveImage',
  inputs: { images: [from, 0], filename_prefix: prefix },
})
const simple = () => ({ '1': image(), '9': save('1') })
const checkpoint = (name: string) => ({
  '4': { class_type: 'CheckpointLoaderSimple', inputs: { ckpt_name: name } },
  '5': { class_type: 'EmptyLatentImage', inputs: { width: 128, height: 64, batch_size: 1 } },
  '6': { class_type: 'CLIPTextEncode', inputs: { text: 'a cup', clip: ['4', 1] } },
  '7': { class_type: 'CLIPTextEncode', inputs: { text: '', clip: ['4', 1] } },
  '3': {
    class_type: 'KSampler',
    inputs: {
      model: ['4', 0],
      positive: ['6', 0],
      negative: ['7', 0],
      latent_image: ['5', 0],
      seed: 7,
      steps: 4,
      cfg: 7.5,
      sampler_name: 'euler',
      scheduler: 'normal',
      denoise: 1,
    },
  },
  '8': { class_type: 'VAEDecode', inputs: { samples: ['3', 0], vae: ['4', 2] } },
  '9': save('8'),
})

test('a model-free graph ends as a real PNG of the asked size and colour', async () => {
  const { status, body } = await post('/prompt', { prompt: simple() })
  expect([status, body.node_errors]).toEqual([200, {}])
  const entry = await finished(body.prompt_id)
  expect(entry.status).toMatchObject({ status_str: 'success', completed: true })
  const [file] = entry.outputs['9']?.images ?? []
  expect(file).toMatchObject({ subfolder: '', type: 'output' })
  const view = await fetch(`${comfy.url}/view?${new URLSearchParams(file)}`)
  const { data, info } = await sharp(await view.bytes())
    .raw()
    .toBuffer({ resolveWithObject: true })
  expect([info.width, info.height, ...data.subarray(0, 3)]).toEqual([64, 32, 255, 128, 0])
})

test('a checkpoint graph runs with a model that is there, and names the one that is not', async () => {
  const known = await get<{ CheckpointLoaderSimple: { input: { required: { ckpt_name: [string[]] } } } }>(
    '/object_info/CheckpointLoaderSimple',
  )
  const [name = ''] = known.CheckpointLoaderSimple.input.required.ckpt_name[0]
  const good = await post('/api/prompt', { prompt: checkpoint(name) })
  expect((await finished(good.body.prompt_id)).outputs['9']?.images).toHaveLength(1)
  const bad = await post('/prompt', { prompt: checkpoint('ghost.safetensors') })
  expect([bad.status, bad.body.error.type]).toEqual([400, 'prompt_outputs_failed_validation'])
  expect(bad.body.node_errors['4']).toMatchObject({
    class_type: 'CheckpointLoaderSimple',
    dependent_outputs: ['9'],
    errors: [{ type: 'value_not_in_list' }],
  })
})

test('a partly wrong graph is accepted, with node_errors on the 200', async () => {
  const prompt = { ...simple(), '2': image({ width: 0 }), '8': save('2') }
  const { status, body } = await post('/prompt', { prompt })
  expect(status).toBe(200)
  expect(body.node_errors['2']).toMatchObject({
    dependent_outputs: ['8'],
    errors: [{ type: 'value_smaller_than_min' }],
  })
  expect(Object.keys((await finished(body.prompt_id)).outputs)).toEqual(['9'])
})

test.each([
  ['no_prompt', {}],
  ['prompt_no_outputs', { prompt: {} }],
  ['prompt_no_outputs', { prompt: { '1': image() } }],
  ['invalid_prompt', { prompt: { '1': { class_type: 'Nope', inputs: {} } } }],
])('refuses with %s', async (type, body) => {
  const answer = await post('/prompt', body)
  expect([answer.status, answer.body.error.type]).toEqual([400, type])
})

test.each([
  ['required_input_missing', { '1': image({ width: undefined }), '9': save('1') }],
  ['value_bigger_than_max', { '1': image({ width: 20_000 }), '9': save('1') }],
  ['invalid_input_type', { '1': image({ width: 'abc' }), '9': save('1') }],
  ['exception_during_inner_validation', { '9': save('77') }],
  ['return_type_mismatch', { ...checkpoint('sd_xl_base_1.0.safetensors'), '9': save('3') }],
])('blames the node for %s', async (type, prompt) => {
  const answer = await post('/prompt', { prompt })
  const types = Object.values(answer.body.node_errors as Record<string, { errors: { type: string }[] }>)
  expect([answer.status, types.flatMap(({ errors }) => errors.map(error => error.type))]).toEqual([
    400,
    [type],
  ])
})

test('a body that is not JSON is a 500 in plain text', async () => {
  const response = await fetch(`${comfy.url}/prompt`, { method: 'POST', body: '{' })
  expect([response.status, (await response.text()).startsWith('500 Internal Server Error')]).toEqual([
    500,
    true,
  ])
})

test('waiting, unknown and forgotten jobs all look the same in /history', async () => {
  comfy.hold()
  const { body } = await post('/prompt', { prompt: simple() })
  expect(await get(`/history/${body.prompt_id}`)).toEqual({})
  expect(await get('/history/unknown')).toEqual({})
  expect((await get<Queue>('/queue')).queue_pending[0]?.[1]).toBe(body.prompt_id)
  expect(await get('/prompt')).toEqual({ exec_info: { queue_remaining: 1 } })
  comfy.restart()
  comfy.release()
  expect(await get('/queue')).toEqual({ queue_running: [], queue_pending: [] })
  expect(await get('/history')).toEqual({})
  const next = await post('/prompt', { prompt: simple() })
  expect(next.body.number).toBe(0)
  expect((await finished(next.body.prompt_id)).outputs['9']?.images[0]?.filename).not.toBe('desk_00001_.png')
})

test('a restart in the middle of a slow job loses it for good', async () => {
  comfy.jobMs = 50
  const { body } = await post('/prompt', { prompt: simple() })
  expect((await get<Queue>('/queue')).queue_running[0]?.[1]).toBe(body.prompt_id)
  comfy.restart()
  comfy.jobMs = 0
  const next = await post('/prompt', { prompt: simple() })
  await finished(next.body.prompt_id)
  expect(await get(`/history/${body.prompt_id}`)).toEqual({})
})

test('an interrupted job and one that fails end as errors in the history', async () => {
  comfy.jobMs = 10_000
  const slow = await post('/prompt', { prompt: simple() })
  await post('/interrupt', { prompt_id: slow.body.prompt_id })
  comfy.jobMs = 0
  const interrupted = await finished(slow.body.prompt_id)
  expect(interrupted.status).toMatchObject({ status_str: 'error', completed: false })
  expect(interrupted.status.messages.at(-1)?.[0]).toBe('execution_interrupted')
  comfy.failNextJob('CUDA out of memory')
  const { body } = await post('/prompt', { prompt: simple() })
  const [kind, detail] = (await finished(body.prompt_id)).status.messages.at(-1) ?? []
  expect([kind, detail?.exception_message]).toEqual(['execution_error', 'CUDA out of memory\n'])
})

test('/view keeps to its folders, and a browser page may not call at all', async () => {
  const view = async (query: string) => (await fetch(`${comfy.url}/view?${query}`)).status
  expect(
    await Promise.all(
      ['', 'filename=ghost.png', 'filename=../x', 'filename=a&type=etc', 'filename=a&subfolder=../..'].map(
        view,
      ),
    ),
  ).toEqual([404, 404, 400, 400, 403])
  expect((await fetch(`${comfy.url}/queue`, { headers: { origin: 'http://localhost:3000' } })).status).toBe(
    403,
  )
  expect(await get('/system_stats')).toMatchObject({ system: { comfyui_version: '0.3.64' } })
})
