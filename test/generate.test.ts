import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Scope } from '../src/db/scope.ts'
import type { ClaimedRun } from '../src/jobs/run-record.ts'
import { claimRuns, performRun } from '../src/jobs/runs.ts'
import { type House, openHouse } from './cast.ts'
import { type Comfyui, startComfyui } from './peers/comfyui.ts'

let house: House
let comfy: Comfyui
const model = 'sd_xl_base_1.0.safetensors'
const card = { graph: 'plain', colour: '#aa3311', width: 64, height: 48 }
const painted = { graph: 'checkpoint', checkpoint: model, prompt: 'a cup', width: 64, height: 64 }

beforeAll(async () => {
  comfy = await startComfyui({ checkpoints: [model] })
  house = await openHouse({ COMFYUI_URL: comfy.url })
})
afterAll(async () => {
  await house.close()
  await comfy.stop()
})
beforeEach(async () => {
  comfy.release()
  comfy.faults.clear()
  comfy.down = false
  comfy.jobMs = 0
  await inside(scope => scope.sql`delete from workflow_runs`)
  await house.shiftClock(0)
})

const inside = <T>(work: (scope: Scope) => Promise<T>): Promise<T> =>
  house.services.db.within({ tenantId: house.alice.tenant.id, userId: null, role: 'system' }, work)
const claim = (): Promise<ClaimedRun[]> => inside(scope => claimRuns(scope, 'test', 20))
const perform = (run: ClaimedRun, stop?: AbortSignal) =>
  performRun(house.services, house.alice.tenant.id, run, stop)
const work = async () => {
  for (const run of await claim()) await perform(run)
}
async function ask(wish: object): Promise<string> {
  const { status, body } = await house.ann.api('POST', '/media/generations', wish)
  expect(status).toBe(202)
  return body.id
}
const read = async (id: string) => (await house.ann.api('GET', `/runs/${id}`)).body
const files = () => readdirSync(join(house.services.config.dataDir, 'media', house.alice.tenant.id))
const library = async () => (await house.ann.api('GET', '/media')).body.items as { id: string }[]

/** Waits until the run's saved progress is as wanted. */
async function until(id: string, wanted: (run: { answer: { progress?: string } | null }) => boolean) {
  for (;;) {
    const run = await read(id)
    if (wanted(run)) return run
    await Bun.sleep(10)
  }
}
const drawing = (id: string) =>
  until(id, run => run.answer?.progress === 'queued' || run.answer?.progress === 'running')

describe('a generated picture', () => {
  test('lands in the media library, with its words as alt text', async () => {
    const id = await ask({ ...painted, prompt: 'A cup of coffee,\nsteaming', seed: 7 })
    expect(await read(id)).toMatchObject({ state: 'waiting', kind: 'comfyui', workflowId: null })
    await work()
    const run = await read(id)
    expect(run).toMatchObject({
      state: 'succeeded',
      answer: { seed: 7 },
      outcome: 'The picture is in the media library.',
    })
    const media = await house.alice.api('GET', `/media/${run.answer.mediaId}`)
    expect(media.body).toMatchObject({
      type: 'image/png',
      width: 64,
      height: 64,
      alt: 'A cup of coffee, steaming',
      source: 'generated',
    })
    expect(files().filter(file => file.startsWith(run.answer.mediaId))).toHaveLength(2)
    expect((await house.dan.api('GET', `/runs/${id}`)).status).toBe(404)
  })

  test('without any model is a plain card', async () => {
    const id = await ask(card)
    await work()
    const { answer } = await read(id)
    const media = await house.alice.api('GET', `/media/${answer.mediaId}`)
    expect(media.body).toMatchObject({ width: 64, height: 48, alt: 'A plain card in the colour #aa3311' })
  })

  test('that ComfyUI cannot draw says why', async () => {
    const before = (await library()).length
    const missing = await ask({ ...painted, checkpoint: 'gone.safetensors' })
    await work()
    expect((await read(missing)).outcome).toContain('does not have the model “gone.safetensors”')
    const partly = await ask(card)
    comfy.faults.next('POST /prompt', {
      is: 'status',
      status: 200,
      body: {
        prompt_id: crypto.randomUUID(),
        number: 1,
        node_errors: {
          '9': {
            class_type: 'SaveImage',
            dependent_outputs: ['9'],
            errors: [
              {
                type: 'required_input_missing',
                message: 'Required input is missing',
                details: 'images',
                extra_info: {},
              },
            ],
          },
        },
      },
    })
    await work()
    expect(await read(partly)).toMatchObject({ state: 'failed', tries: 1 })
    expect((await read(partly)).outcome).toContain(
      'refuses the node SaveImage (9): Required input is missing',
    )
    comfy.failNextJob('CUDA is not here')
    const broken = await ask(card)
    await work()
    expect((await read(broken)).outcome).toContain('CUDA is not here')
    expect(await library()).toHaveLength(before)
  })

  test('out of reach: tried again after 5 s and 1 min, then given up in words', async () => {
    const comfyuiUrl = new URL('http://127.0.0.1:9')
    const nowhere = { ...house.services, config: { ...house.services.config, comfyuiUrl } }
    const tryIt = async () => {
      for (const run of await claim()) await performRun(nowhere, house.alice.tenant.id, run)
    }
    const id = await ask(card)
    await tryIt()
    expect(await read(id)).toMatchObject({ state: 'waiting', tries: 1, answer: null })
    await house.shiftClock(6_000)
    await tryIt()
    await house.shiftClock(67_000)
    await tryIt()
    const failed = await read(id)
    expect(failed).toMatchObject({ state: 'failed', tries: 3 })
    expect(failed.outcome).toContain('cannot be reached')
    expect(failed.outcome).toContain('Given up after 3 tries.')
  })

  test('waits, and says so, while ComfyUI is away in the middle of it', async () => {
    comfy.hold()
    const id = await ask(card)
    const [run] = await claim()
    if (!run) throw new Error('nothing was claimed')
    const done = perform(run)
    await drawing(id)
    comfy.down = true
    await until(id, seen => seen.answer?.progress === 'waiting')
    expect((await house.ann.page('GET', `/w/northwind/runs/${id}`)).html).toContain('cannot be reached')
    comfy.down = false
    comfy.release()
    await done
    expect((await read(id)).state).toBe('succeeded')
  })

  test('goes on with the same seed when ComfyUI is restarted', async () => {
    comfy.hold()
    const before = comfy.submitted.length
    const id = await ask(painted)
    const [run] = await claim()
    if (!run) throw new Error('nothing was claimed')
    const done = perform(run)
    await drawing(id)
    comfy.restart()
    comfy.release()
    await done
    expect((await read(id)).state).toBe('succeeded')
    const seeds = comfy.submitted.slice(before).map(({ graph }) => graph['3']?.inputs?.seed)
    expect(seeds).toHaveLength(2)
    expect(seeds[0]).toBe(seeds[1])
  })

  test('goes on where it was when our worker dies, and is drawn once', async () => {
    comfy.hold()
    const before = comfy.submitted.length
    const pictures = (await library()).length
    const id = await ask(painted)
    const [first] = await claim()
    if (!first) throw new Error('nothing was claimed')
    const stale = perform(first)
    const { answer } = await drawing(id)
    // The lease runs out while the first worker still holds on: it is frozen, not dead.
    await house.shiftClock(31_000)
    const [second] = await claim()
    if (!second) throw new Error('nothing was claimed again')
    expect(second.answer).toMatchObject({ promptId: answer.promptId, submission: 1 })
    comfy.release()
    await Promise.all([stale, perform(second)])
    expect(await read(id)).toMatchObject({ state: 'succeeded', tries: 2 })
    expect(comfy.submitted.slice(before)).toHaveLength(1)
    expect(await library()).toHaveLength(pictures + 1)
    const kept = new Set((await library()).map(media => media.id))
    expect(files().filter(file => !kept.has(file.slice(0, 36)))).toEqual([])
  })

  test('is let go when we stop, and taken up by the next worker', async () => {
    comfy.hold()
    const before = comfy.submitted.length
    const id = await ask(painted)
    const [run] = await claim()
    if (!run) throw new Error('nothing was claimed')
    const stop = new AbortController()
    const done = perform(run, stop.signal)
    await drawing(id)
    stop.abort()
    await done
    expect(await read(id)).toMatchObject({ state: 'waiting', answer: { submission: 1 } })
    comfy.release()
    await work()
    expect((await read(id)).state).toBe('succeeded')
    expect(comfy.submitted.slice(before)).toHaveLength(1)
  })

  test('is asked for by those who may add pictures, by the rules of a wish', async () => {
    expect((await house.cora.api('POST', '/media/generations', card)).status).toBe(403)
    const refuse = async (wish: object) => {
      const { status, body } = await house.ann.api('POST', '/media/generations', wish)
      return [status, body.errors?.[0]?.path]
    }
    expect(await refuse({ ...card, colour: 'red' })).toEqual([422, 'colour'])
    expect(await refuse({ ...card, width: 9000 })).toEqual([422, 'width'])
    expect(await refuse({ ...card, steps: 3 })).toEqual([422, 'steps'])
    expect(await refuse({ ...painted, prompt: '' })).toEqual([422, 'prompt'])
    expect(await refuse({ graph: 'mine' })).toEqual([422, 'graph'])
    const id = await ask(card)
    expect((await house.cora.api('GET', `/runs/${id}`)).status).toBe(403)
    for (let more = 1; more < 20; more++) await ask(card)
    expect((await house.ann.api('POST', '/media/generations', card)).status).toBe(409)
  })
})

/** The picture is in the post that is being written. */
const chosen = (id: string) => new RegExp(`name="_offered" value="[^"]*${id}`)

describe('the pages', () => {
  const at = '/w/northwind/media/generate'
  const form = { model: '', prompt: '', negative: '', size: 'wide', colour: '#112233' }

  test('the form lists what ComfyUI has, and the run’s page shows the picture', async () => {
    const { html, status } = await house.ann.page('GET', at)
    expect(status).toBe(200)
    expect(html).toContain(model)
    expect(html).toContain('Plain card, no model')
    const plain = await house.ann.page('GET', `${at}?kind=card`)
    expect(plain.html).toContain('type="color"')
    expect(plain.html).not.toContain(model)
    const sent = await house.ann.page('POST', at, form)
    expect(sent.status).toBe(303)
    const waiting = await house.ann.page('GET', sent.location)
    expect(waiting.html).toContain('every 1s')
    const poll = /hx-get="([^"]+)"/.exec(waiting.html)?.[1] ?? ''
    await work()
    const done = await house.ann.page('GET', poll)
    expect(done.html).not.toContain('hx-get')
    const mediaId = /content\/new\?media=([0-9a-f-]+)/.exec(done.html)?.[1] ?? ''
    expect((await house.ann.api('GET', `/media/${mediaId}`)).body).toMatchObject({ width: 1200, height: 632 })
    const again = await house.ann.page('GET', `${at}?again=${sent.location.split('/').at(-1)}`)
    expect(again.html).toContain('value="#112233"')
  })

  test('are offered where pictures are added, and begin a new post with what was made', async () => {
    const generate = 'href="/w/northwind/media/generate"'
    expect((await house.ann.page('GET', '/w/northwind/content/new')).html).toContain(generate)
    expect((await house.ann.page('GET', '/w/northwind/media')).html).toContain(generate)
    expect((await house.cora.page('GET', '/w/northwind/media')).html).not.toContain(generate)
    const run = await ask(card)
    await work()
    const made = (await read(run)).answer.mediaId as string
    const shown = (await house.ann.page('GET', `/w/northwind/runs/${run}`)).html
    expect(shown).toContain(`href="/w/northwind/content/new?media=${made}"`)
    const begun = await house.ann.page('GET', `/w/northwind/content/new?media=${made}`)
    expect(begun.html).toMatch(chosen(made))
    expect(begun.html).not.toContain('These words are not saved yet')
  })

  test('a new post begins with no picture that is not in the library', async () => {
    const mine = await ask(card)
    await work()
    const made = (await read(mine)).answer.mediaId as string
    const begin = async (who: typeof house.ann, slug: string, id: string) =>
      (await who.page('GET', `/w/${slug}/content/new?media=${encodeURIComponent(id)}`)).html
    expect(await begin(house.dan, 'southpaw', made)).not.toContain(made)
    expect(await begin(house.ann, 'northwind', crypto.randomUUID())).toContain('name="_offered" value=""')
    expect(await begin(house.ann, 'northwind', "' or true --")).toContain('name="_offered" value=""')
    expect(await begin(house.ann, 'northwind', made.toUpperCase())).toMatch(chosen(made))
    await house.ann.page('POST', '/w/northwind/content/new/draft', { text: 'Begun.', version: '' })
    const kept = await begin(house.ann, 'northwind', made)
    expect(kept).toContain('Begun.')
    expect(kept).toMatch(chosen(made))
    await house.ann.page('POST', '/w/northwind/content/new/draft/removal')
    await house.alice.page('POST', `/w/northwind/media/${made}/removal`)
    expect(await begin(house.ann, 'northwind', made)).not.toMatch(chosen(made))
  })

  test('workflows stand in the rail for those alone who may manage them', async () => {
    const link = 'href="/w/northwind/workflows"'
    expect((await house.alice.page('GET', '/w/northwind/media')).html).toContain(link)
    for (const who of [house.bob, house.ann, house.cora])
      expect((await who.page('GET', '/w/northwind/media')).html).not.toContain(link)
  })

  test('a model without words is refused with the form as it was', async () => {
    const { status, html } = await house.ann.page('POST', at, { ...form, model, negative: 'text' })
    expect(status).toBe(422)
    expect(html).toContain('Say what the picture shows.')
    expect(html).toContain('\ntext</textarea>')
  })

  test('out of reach is said on the form', async () => {
    comfy.down = true
    const { html } = await house.ann.page('GET', at)
    expect(html).toContain('cannot be reached')
  })

  test('reviewers do not generate, Dan does not see the run', async () => {
    expect((await house.cora.page('GET', at)).status).toBe(403)
    expect((await house.cora.page('POST', at, form)).status).toBe(403)
    const id = await ask(card)
    expect((await house.dan.page('GET', `/w/southpaw/runs/${id}`)).status).toBe(404)
    expect((await house.dan.page('GET', `/w/southpaw/media/generate?again=${id}`)).status).toBe(404)
  })
})

describe('with neither ComfyUI nor n8n', () => {
  let bare: House
  beforeAll(async () => {
    bare = await openHouse()
  })
  afterAll(() => bare.close())

  test('the pages and the API say what to set', async () => {
    expect((await bare.ann.page('GET', '/w/northwind/media/generate')).html).toContain('COMFYUI_URL')
    for (const page of ['/content/new', '/media'])
      expect((await bare.ann.page('GET', `/w/northwind${page}`)).html).not.toContain('/media/generate')
    const refused = await bare.ann.api('POST', '/media/generations', card)
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining('COMFYUI_URL')])
    expect((await bare.alice.page('GET', '/w/northwind/workflows')).html).toContain('N8N_URL')
  })
})
