import { afterAll, describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import {
  type GenerateOptions,
  type GenerateProgress,
  generate,
  maxResubmissions,
} from '../../src/integrations/comfyui.ts'
import { fetchPicture, listCheckpoints } from '../../src/integrations/comfyui-files.ts'
import {
  checkpointsIn,
  type Graph,
  graphFor,
  nodeTroubles,
  type PictureWish,
  pictureWish,
  plainWords,
} from '../../src/integrations/comfyui-graphs.ts'
import { look, submit, withdraw } from '../../src/integrations/comfyui-queue.ts'
import { ComfyFailed } from '../../src/integrations/comfyui-wire.ts'
import { type Comfyui, type ComfyuiOptions, startComfyui } from '../peers/comfyui.ts'

const stops: (() => unknown)[] = []
afterAll(() => Promise.all(stops.map(stop => stop())))

/** The ComfyUI of the tests, see test/peers. */
async function comfyui(options?: ComfyuiOptions): Promise<{ base: URL; comfy: Comfyui }> {
  const comfy = await startComfyui(options)
  stops.push(comfy.stop)
  return { base: new URL(comfy.url), comfy }
}

/** Something that answers as ComfyUI does only on a bad day, in another version, or never. */
function odd(answer: (path: string, request: Request) => Response | Promise<Response>): URL {
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    fetch: request => answer(new URL(request.url).pathname, request),
  })
  stops.push(() => server.stop(true))
  return new URL(server.url)
}

const id = () => crypto.randomUUID()
const nobody = new URL('http://127.0.0.1:9')
const plain: PictureWish = { graph: 'plain', colour: '#1e6b52', width: 320, height: 200 }
const painted = {
  graph: 'checkpoint',
  checkpoint: 'sd_xl_base_1.0.safetensors',
  prompt: 'a lighthouse',
  width: 513,
  height: 512,
} satisfies PictureWish

async function failure(work: Promise<unknown>): Promise<ComfyFailed> {
  const reason = await work.then(
    () => new Error('it worked'),
    (error: unknown) => error,
  )
  if (!(reason instanceof ComfyFailed)) throw reason
  return reason
}

const queue = (base: URL, graph: Graph = graphFor(plain, 1, 'x'), promptId = id()) =>
  submit(base, graph, id(), promptId)

/** Draws, looking every few milliseconds, and hands each step of the way to `on`. */
function draw(base: URL, on: (progress: GenerateProgress) => unknown, more: Partial<GenerateOptions> = {}) {
  const onProgress = async (progress: GenerateProgress) => void (await on(progress))
  return generate(base, plain, { deadlineMs: 10_000, pollMs: 2, onProgress, ...more })
}

/** Looks until the job has come that far. */
async function until(base: URL, promptId: string, wanted: string) {
  for (;;) {
    const seen = await look(base, promptId)
    if (seen.is === wanted) return seen
    await Bun.sleep(2)
  }
}

describe('submit', () => {
  test('queues the graph under our id, without an Origin', async () => {
    const { base, comfy } = await comfyui()
    const promptId = id()
    expect(await queue(base, graphFor(plain, 1, 'x'), promptId)).toEqual({ promptId, leftOut: [] })
    expect(comfy.submitted.map(job => job.id)).toEqual([promptId])
    expect(comfy.requests.some(request => request.headers.has('origin'))).toBe(false)
  })

  test('reads node_errors on 200 as well: a graph may be taken in part', async () => {
    const { base, comfy } = await comfyui()
    const graph = graphFor(plain, 1, 'x')
    graph['2'] = { class_type: 'EmptyImage', inputs: { width: 0, height: 8, batch_size: 1, color: 0 } }
    graph['3'] = { class_type: 'PreviewImage', inputs: { images: ['2', 0] } }
    expect((await queue(base, graph)).leftOut).toEqual([
      'ComfyUI refuses the node EmptyImage (2): Value 0 smaller than min of 1: width.',
    ])
    expect(comfy.submitted).toHaveLength(1)
  })

  test('takes the id that an older ComfyUI chose instead of ours', async () => {
    const base = odd(() => Response.json({ prompt_id: 'its-own', number: 3, node_errors: {} }))
    expect(await queue(base)).toEqual({ promptId: 'its-own', leftOut: [] })
  })

  test('says in words what validation refuses', async () => {
    const { base, comfy } = await comfyui({ checkpoints: ['other.ckpt'] })
    expect(await failure(queue(base, graphFor(painted, 1, 'x')))).toMatchObject({
      code: 'missing_model',
      message: expect.stringContaining('the model “sd_xl_base_1.0.safetensors”'),
    })
    expect(await failure(queue(base, { '1': { class_type: 'FluxGuidance', inputs: {} } }))).toMatchObject({
      code: 'missing_node',
      message: expect.stringContaining('FluxGuidance'),
    })
    expect(await failure(queue(base, {}))).toMatchObject({
      code: 'refused',
      message: expect.stringContaining('no outputs'),
    })
    expect(comfy.submitted).toEqual([])
  })

  const newer = { type: 'missing_node_type', message: 'Node KSampler is not installed.', details: '' }
  const answers: [string, number, unknown, string, string][] = [
    ['a missing class, newer', 400, { error: newer, node_errors: {} }, 'missing_node', 'KSampler'],
    ['a web page', 200, '<html>', 'not_comfyui', 'COMFYUI_URL'],
    ['its Origin check', 403, '', 'refused', '403'],
    ['a proxy without ComfyUI', 502, 'Bad Gateway', 'unreachable', '502'],
    ['an error of its own', 500, '500 Internal Server Error', 'not_comfyui', '500'],
  ]
  for (const [what, status, body, code, words] of answers) {
    test(`says in words: ${what}`, async () => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const failed = await failure(queue(odd(() => new Response(text, { status }))))
      expect(failed).toMatchObject({ code, message: expect.stringContaining(words) })
    })
  }

  test('says in words: nobody there, and that nothing was sent', async () => {
    expect(await failure(queue(nobody))).toMatchObject({
      code: 'unreachable',
      sent: false,
      message: expect.stringContaining('127.0.0.1:9'),
    })
  })

  test('follows no redirect', async () => {
    let followed = false
    const base = odd(path => {
      if (path === '/prompt') return new Response(null, { status: 307, headers: { location: '/inside' } })
      followed = true
      return new Response()
    })
    expect((await failure(queue(base))).code).toBe('not_comfyui')
    expect(followed).toBe(false)
  })
})

describe('look', () => {
  test('tells queued, running, done and unknown apart', async () => {
    const { base, comfy } = await comfyui({ jobMs: 60_000 })
    const { promptId: first } = await queue(base)
    const { promptId: second } = await queue(base)
    expect(await until(base, first, 'running')).toEqual({ is: 'running' })
    expect(await look(base, second)).toEqual({ is: 'queued', ahead: 1 })
    comfy.restart()
    expect(await look(base, first)).toEqual({ is: 'unknown' })
    comfy.jobMs = 0
    const { promptId: third } = await queue(base, graphFor(plain, 1, 'kept'))
    expect(await until(base, third, 'done')).toEqual({
      is: 'done',
      outputs: [{ filename: 'kept_00001_.png', subfolder: '', type: 'output' }],
    })
  })

  test('a job that ends between history and queue is not taken for lost', async () => {
    let ended = false
    const base = odd(path => {
      if (path === '/queue') {
        ended = true
        return Response.json({ queue_running: [], queue_pending: [] })
      }
      return Response.json(
        ended ? { x: { outputs: {}, status: { status_str: 'success', messages: [] } } } : {},
      )
    })
    expect(await look(base, 'x')).toEqual({ is: 'done', outputs: [] })
  })

  test('failures in words, without a folder of that machine', async () => {
    const { base, comfy } = await comfyui()
    comfy.failNextJob("No such file: '/srv/comfy/models/vae/x.pt'")
    const { promptId } = await queue(base)
    expect(await until(base, promptId, 'failed')).toEqual({
      is: 'failed',
      code: 'failed',
      message: "ComfyUI failed at the node SaveImage: No such file: '…/x.pt'",
    })
    const entry = (messages: unknown) =>
      look(
        odd(() => Response.json({ x: { outputs: {}, status: { status_str: 'error', messages } } })),
        'x',
      )
    expect(await entry([['execution_error', { exception_type: 'torch.OutOfMemoryError' }]])).toMatchObject({
      message: expect.stringContaining('smaller'),
    })
    expect(await entry('nonsense')).toMatchObject({ message: expect.stringContaining('no reason given') })
  })

  test('an id with slashes stays one part of the path', async () => {
    const asked: string[] = []
    const base = odd(path => {
      asked.push(path)
      return Response.json(path === '/queue' ? { queue_running: [], queue_pending: [] } : {})
    })
    await look(base, '../queue?x')
    expect(asked).toEqual(['/history/..%2Fqueue%3Fx', '/queue', '/history/..%2Fqueue%3Fx'])
  })
})

describe('fetchPicture', () => {
  const output = { filename: 'ä b&type=input.png', subfolder: 'a/b', type: 'output' } as const

  test('asks for exactly that file, below a path of the address too', async () => {
    let asked = ''
    const base = odd((_, request) => {
      asked = request.url
      return new Response('bytes')
    })
    expect(await fetchPicture(new URL('/comfy', base), output)).toEqual(Buffer.from('bytes'))
    expect(new URL(asked).pathname).toBe('/comfy/view')
    expect(Object.fromEntries(new URL(asked).searchParams)).toEqual(output)
  })

  test('stops at the size limit', async () => {
    const base = odd(() => new Response(new Uint8Array(70_000)))
    expect(await failure(fetchPicture(base, output, undefined, 65_536))).toMatchObject({ code: 'too_large' })
  })

  test('gone, or empty', async () => {
    const { base } = await comfyui()
    expect(await failure(fetchPicture(base, output))).toMatchObject({ code: 'no_picture' })
    expect(
      await failure(
        fetchPicture(
          odd(() => new Response()),
          output,
        ),
      ),
    ).toMatchObject({ code: 'no_picture' })
  })
})

describe('checkpoints', () => {
  const info = (ckpt_name: unknown) => ({ CheckpointLoaderSimple: { input: { required: { ckpt_name } } } })

  test('both forms of a combo, with and without options beside it', () => {
    expect(checkpointsIn(info([['a.ckpt', 'b.ckpt'], { tooltip: 'x' }]))).toEqual(['a.ckpt', 'b.ckpt'])
    expect(checkpointsIn(info([['a.ckpt']]))).toEqual(['a.ckpt'])
    expect(checkpointsIn(info(['COMBO', { options: ['a.ckpt'], tooltip: 'x' }]))).toEqual(['a.ckpt'])
    expect(checkpointsIn(info([[]]))).toEqual([])
    for (const other of [{}, null, info(['INT', {}]), info(null)]) expect(checkpointsIn(other)).toBeNull()
  })

  test('are asked of the loader; an unknown class is `{}` with 200', async () => {
    const { base } = await comfyui({ checkpoints: ['b', 'a'] })
    expect(await listCheckpoints(base)).toEqual(['b', 'a'])
    const without = odd(() => Response.json({}))
    expect(await failure(listCheckpoints(without))).toMatchObject({ code: 'missing_node' })
  })
})

describe('graphs', () => {
  test('a size that fits the latents, both texts, the seed of the run', () => {
    const graph = graphFor(painted, 7, 'name')
    expect(graph['5']?.inputs).toEqual({ width: 512, height: 512, batch_size: 1 })
    expect(graph['3']?.inputs).toMatchObject({ seed: 7, steps: 20, cfg: 7 })
    expect([graph['6']?.inputs.text, graph['7']?.inputs.text]).toEqual(['a lighthouse', ''])
  })

  test('a wish is strict', () => {
    const wrong: object[] = [
      { ...plain, colour: 'red' },
      { ...plain, width: 0 },
      { ...plain, height: 1e9 },
    ]
    wrong.push(
      { ...plain, more: 1 },
      { graph: 'other' },
      { ...painted, seed: -1 },
      { ...painted, prompt: '' },
    )
    for (const wish of wrong) expect(pictureWish.safeParse(wish).success, JSON.stringify(wish)).toBe(false)
  })

  test('unknown shapes of node_errors are trouble too, not silence', () => {
    expect(nodeTroubles({})).toEqual([])
    expect(nodeTroubles(undefined)).toEqual([])
    expect(nodeTroubles('x')).toHaveLength(1)
    expect(nodeTroubles({ '1': {} })).toHaveLength(1)
    expect(plainWords('C:\\comfy\\models\\a.pt\nis\0 gone')).toBe('…/a.pt is gone')
  })
})

describe('generate', () => {
  test('brings a picture of the wished size and colour, telling each step', async () => {
    const { base, comfy } = await comfyui()
    comfy.hold()
    const steps: string[] = []
    const made = await draw(base, progress => {
      if (steps.at(-1) !== progress.is) steps.push(progress.is)
      if (progress.is === 'queued') comfy.release()
    })
    expect(await sharp(made.bytes).metadata()).toMatchObject({ format: 'png', width: 320, height: 200 })
    const [red, green, blue] = (await sharp(made.bytes).stats()).channels.map(channel => channel.mean)
    expect([red, green, blue]).toEqual([0x1e, 0x6b, 0x52])
    expect(steps.slice(0, 3)).toEqual(['submitting', 'submitted', 'queued'])
    expect(made.promptId).toBe(comfy.submitted[0]?.id ?? '')
    expect(comfy.submitted[0]?.graph['9']?.inputs.filename_prefix).toContain(made.promptId)
  })

  test('the checkpoint graph passes validation and is drawn', async () => {
    const { base } = await comfyui()
    const made = await generate(base, { ...painted, seed: 42 }, { deadlineMs: 10_000, pollMs: 2 })
    expect(made.seed).toBe(42)
    expect(await sharp(made.bytes).metadata()).toMatchObject({ width: 512, height: 512 })
  })

  test('a restart of ComfyUI: submitted again with the same seed and a new id', async () => {
    const { base, comfy } = await comfyui()
    comfy.hold()
    let restarts = 0
    const made = await generate(base, painted, {
      deadlineMs: 10_000,
      pollMs: 2,
      onProgress: progress => {
        if (progress.is !== 'queued') return
        if (restarts++ < maxResubmissions) comfy.restart()
        else comfy.release()
      },
    })
    const seeds = comfy.submitted.map(job => job.graph['3']?.inputs.seed)
    expect(seeds).toEqual(Array(1 + maxResubmissions).fill(made.seed))
    expect(new Set(comfy.submitted.map(job => job.id)).size).toBe(1 + maxResubmissions)
  })

  test('lost once more than that: gives up in words', async () => {
    const { base, comfy } = await comfyui()
    comfy.hold()
    const failed = await failure(draw(base, progress => progress.is === 'queued' && comfy.restart()))
    expect(failed).toMatchObject({ code: 'lost', message: expect.stringContaining('4 times') })
    expect(comfy.submitted).toHaveLength(1 + maxResubmissions)
  })

  test('out of reach for a while is waited for, and nothing is drawn twice', async () => {
    const { base, comfy } = await comfyui()
    let waited = 0
    await draw(base, progress => {
      if (progress.is === 'submitted') comfy.down = true
      if (progress.is === 'waiting' && ++waited === 3) comfy.down = false
    })
    expect([waited, comfy.submitted.length]).toEqual([3, 1])
  })

  test('out of reach at the start is said at once', async () => {
    expect(await failure(generate(nobody, plain, { deadlineMs: 60_000 }))).toMatchObject({
      code: 'unreachable',
    })
  })

  test('an answer to the submission that got lost does not draw it twice', async () => {
    const { base, comfy } = await comfyui()
    comfy.faults.next('POST /prompt', { is: 'drop', when: 'after' })
    await draw(base, () => {})
    expect(comfy.submitted).toHaveLength(1)
  })

  test('a submission that never arrived is made again', async () => {
    const { base, comfy } = await comfyui()
    comfy.faults.next('POST /prompt', { is: 'drop', when: 'before' })
    const made = await draw(base, () => {})
    expect(comfy.submitted.map(job => job.id)).toEqual([made.promptId])
  })

  test('the picture is fetched again when the connection breaks in the middle, even after a restart', async () => {
    const { base, comfy } = await comfyui()
    comfy.faults.next('GET /view', { is: 'cut' }, 2)
    const made = await draw(base, progress => progress.is === 'waiting' && comfy.restart())
    expect(await sharp(made.bytes).metadata()).toMatchObject({ width: 320 })
    expect(comfy.submitted).toHaveLength(1)
  })

  test('taken only in part: withdrawn, and the reason told', async () => {
    const { base, comfy } = await comfyui()
    const errors = [
      { type: 'required_input_missing', message: 'Required input is missing', details: 'images' },
    ]
    const node_errors = { '9': { errors, dependent_outputs: ['9'], class_type: 'SaveImage' } }
    const body = { prompt_id: 'half', number: 0, node_errors }
    comfy.faults.next('POST /prompt', { is: 'status', status: 200, body })
    const failed = await failure(draw(base, () => {}))
    expect(failed).toMatchObject({ code: 'refused', message: expect.stringContaining('SaveImage') })
    const sent = comfy.requests.filter(request => request.method === 'POST' && request.path === '/queue')
    expect(sent.map(request => new TextDecoder().decode(request.raw))).toEqual(['{"delete":["half"]}'])
  })

  test('cancelled while waiting: taken from the queue, nothing interrupted', async () => {
    const { base, comfy } = await comfyui()
    comfy.hold()
    const stop = new AbortController()
    const work = draw(base, progress => progress.is === 'queued' && stop.abort(), { signal: stop.signal })
    expect(await failure(work)).toMatchObject({ code: 'cancelled', message: 'The drawing was cancelled.' })
    expect(comfy.requests.some(request => request.path === '/interrupt')).toBe(false)
    expect(await look(base, comfy.submitted[0]?.id ?? '')).toEqual({ is: 'unknown' })
  })

  test('past the deadline while running: our job is interrupted', async () => {
    const { base, comfy } = await comfyui({ jobMs: 60_000 })
    const failed = await failure(draw(base, () => {}, { deadlineMs: 300 }))
    expect(failed).toMatchObject({ code: 'late', message: expect.stringContaining('0.3 s') })
    const ended = await until(base, comfy.submitted[0]?.id ?? '', 'failed')
    expect(ended).toMatchObject({ code: 'interrupted' })
  })

  test('past the deadline while out of reach: says both, and that it may still be drawn', async () => {
    const { base, comfy } = await comfyui()
    comfy.hold()
    const work = draw(
      base,
      progress => {
        if (progress.is === 'queued') comfy.down = true
      },
      { deadlineMs: 300 },
    )
    const { code, message } = await failure(work)
    expect(code).toBe('late')
    expect(message).toMatch(/0\.3 s.*cannot be reached.*may still be drawn/)
  })

  test('what onProgress throws comes out, and the job is withdrawn', async () => {
    const { base, comfy } = await comfyui()
    comfy.hold()
    const work = draw(base, progress => {
      if (progress.is === 'queued') throw new RangeError('the lease is gone')
    })
    await expect(work).rejects.toThrow('the lease is gone')
    expect(await look(base, comfy.submitted[0]?.id ?? '')).toEqual({ is: 'unknown' })
  })

  test('after a restart of ours it goes on with the job it had', async () => {
    const { base, comfy } = await comfyui()
    const { promptId } = await queue(base)
    const made = await draw(base, () => {}, { resume: { promptId, seed: 5, submission: 1 } })
    expect(made).toMatchObject({ promptId, seed: 5 })
    expect(comfy.submitted).toHaveLength(1)
  })

  test('done without a picture, or failed, is said', async () => {
    const { base, comfy } = await comfyui()
    comfy.failNextJob('bad shape')
    expect(await failure(draw(base, () => {}))).toMatchObject({
      code: 'failed',
      message: 'ComfyUI failed at the node SaveImage: bad shape',
    })
    const promptId = id()
    const nothing = odd(() => Response.json({ [promptId]: { outputs: { '9': {} } } }))
    const resume = { promptId, seed: 1, submission: 1 }
    expect(await failure(draw(nothing, () => {}, { resume }))).toMatchObject({ code: 'no_picture' })
  })
})

test('withdraw leaves the job of somebody else running', async () => {
  const { base } = await comfyui({ jobMs: 60_000 })
  const { promptId } = await queue(base)
  await until(base, promptId, 'running')
  await withdraw(base, id())
  expect(await look(base, promptId)).toEqual({ is: 'running' })
  await withdraw(base, promptId)
  expect(await until(base, promptId, 'failed')).toMatchObject({ code: 'interrupted' })
})
