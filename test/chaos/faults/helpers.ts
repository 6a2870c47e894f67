/** Faults 24 and 25: n8n and ComfyUI, which publishing does not depend on. */
import { type Comfyui, type N8n, startComfyui, startN8n } from '../../peers/index.ts'
import type { Told } from '../check.ts'
import { tenantAt, until } from '../plan.ts'
import type { Rig, Tenant } from '../rig.ts'
import { type Fault, takenOverMs } from './fault.ts'
import { enter, leave } from './world.ts'

/** A run as the API answers it. */
interface Run {
  id: string
  state: 'waiting' | 'running' | 'succeeded' | 'failed'
  outcome: string | null
  tries: number
  input: { data?: { job?: { id: string } } }
  answer: { mediaId?: string } | null
}

/** Two tries that fail, the second a minute after the first, and one that takes its time. */
const endedMs = 110_000

/** Waits until no run is under way. @returns what each was waited for in vain */
async function ended(read: () => Promise<Run[]>): Promise<Told[]> {
  const deadline = Date.now() + endedMs
  for (;;) {
    const open = (await read()).filter(({ state }) => state === 'waiting' || state === 'running')
    if (open.length === 0 || Date.now() > deadline)
      return open.map(({ id, state, outcome }) => ['LOST', `run ${id} is ${state}: ${outcome}`] as const)
    await Bun.sleep(500)
  }
}

interface Flow {
  path: string
  tenant: Tenant
  id: string
}
let n8n: N8n | null = null
const flows: Flow[] = []
/** The first call of each of these fails; `unknown` is a path that nobody listens at. */
const flowPaths = ['well', 'slow', 'silent', 'cut', 'html', 'failing', 'unknown'] as const

export const flowsAway: Fault = {
  number: 24,
  name: 'n8n away, slow, silent, cut off, failing, talking HTML',
  mostLateMs: takenOverMs,
  async before(rig) {
    n8n = await startN8n()
    await enter(rig, { lines: [] }, [], { N8N_URL: n8n.url })
    for (const [n, path] of flowPaths.entries()) {
      const tenant = tenantAt(rig, n)
      const made = await rig.ask(tenant, 'POST', '/workflows', { body: { name: path, path } })
      if (made.status !== 201) throw new Error(`workflow ${path}: ${JSON.stringify(made.body)}`)
      flows.push({ path, tenant, id: made.body.id })
      if (path === 'unknown') continue
      n8n.activate(path, {
        respond: {
          mode: 'responseNode',
          body: { ok: true },
          ...(path === 'slow' ? { takesMs: 3_000 } : {}),
        },
      })
    }
    const { faults } = n8n
    faults.next('POST /webhook/silent', { is: 'hang', when: 'after' })
    faults.next('POST /webhook/cut', { is: 'cut', when: 'after' })
    faults.next('POST /webhook/failing', { is: 'status', status: 500 })
    const html = { 'content-type': 'text/html' }
    faults.next('POST /webhook/html', {
      is: 'status',
      status: 200,
      body: '<html>Hello</html>',
      headers: html,
    })
  },
  async play(rig, { name, from, overMs }) {
    if (!n8n) return { times: 0 }
    for (const post of rig.posts) post.clearAt = 0
    await until(from + overMs * 0.6)
    n8n.down = true
    await until(from + overMs * 0.9)
    n8n.down = false
    await until(from + overMs)
    const drained = Date.now() + takenOverMs
    const open = async () => (await rig.recorded(name)).filter(({ state }) => state === 'publishing')
    while ((await open()).length > 0 && Date.now() < drained) await Bun.sleep(250)
    const told = await ended(async () => (await Promise.all(flows.map(flow => runsOf(rig, flow)))).flat())
    told.push(...(await looked(rig, name, n8n)))
    const runs = (await Promise.all(flows.map(flow => runsOf(rig, flow)))).flat()
    const again = runs.filter(({ tries }) => tries > 1).length
    return { times: n8n.requests.length, words: `${runs.length} runs, ${again} tried again`, told }
  },
  async after(rig) {
    for (const { tenant, id } of flows) await rig.ask(tenant, 'DELETE', `/workflows/${id}`)
    flows.length = 0
    await leave(rig)
    await n8n?.stop()
    n8n = null
  },
}

async function runsOf(rig: Rig, { tenant, id }: Flow): Promise<Run[]> {
  const { body } = await rig.ask(tenant, 'GET', `/workflows/${id}/runs?limit=100`)
  return body.items
}

/** One run a published post, each with the end it should have; and at n8n no call that belongs to none. */
async function looked(rig: Rig, play: string, { requests }: N8n): Promise<Told[]> {
  const told: Told[] = []
  const published = (await rig.recorded(play)).filter(({ state }) => state === 'published')
  for (const flow of flows) {
    const runs = await runsOf(rig, flow)
    const own = published.filter(({ tenant }) => tenant === flow.tenant.slug)
    for (const { job, text } of own) {
      const times = runs.filter(({ input }) => input.data?.job?.id === job).length
      if (times !== 1)
        told.push([times === 0 ? 'LOST' : 'DOUBLE', `${flow.path} has ${times} runs for ${text}`])
    }
    const wanted = flow.path === 'unknown' ? 'failed' : 'succeeded'
    for (const { id, state, outcome } of runs)
      if (state !== wanted) told.push(['LIE', `run ${id} of ${flow.path} is ${state}: ${outcome}`])
    const calls = requests.filter(({ path }) => path === `/webhook/${flow.path}`)
    const ids = new Set(runs.map(({ id }) => id))
    const strange = calls.filter(({ headers }) => !ids.has(headers.get('webhook-id') ?? ''))
    if (strange.length > 0) told.push(['WRONG', `${flow.path} was called ${strange.length} times for no run`])
    // `silent`, `cut` and `failing` once more, under the same id; away, nothing arrives at all.
    const again = ['silent', 'cut', 'failing'].includes(flow.path) ? 1 : 0
    if (calls.length !== runs.length + again)
      told.push(['DOUBLE', `${flow.path}: ${calls.length} calls for ${runs.length} runs`])
  }
  return told
}

let comfy: Comfyui | null = null

export const drawingAway: Fault = {
  number: 25,
  name: 'ComfyUI away, restarted in mid-prompt with its queue lost, its outputs no pictures',
  mostLateMs: takenOverMs,
  async before(rig) {
    comfy = await startComfyui()
    await enter(rig, { lines: [] }, [], { COMFYUI_URL: comfy.url })
  },
  async play(rig, { from, overMs }) {
    if (!comfy) return { times: 0 }
    for (const post of rig.posts) post.clearAt = 0
    const runs: { tenant: Tenant; id: string }[] = []
    const draw = async (n: number) => {
      const tenant = tenantAt(rig, n)
      const colour = `#0000${(n + 16).toString(16)}`
      const made = await rig.ask(tenant, 'POST', '/media/generations', {
        body: { graph: 'plain', colour, width: 64, height: 48 },
      })
      if (made.status !== 202) throw new Error(`a picture: ${made.status} ${JSON.stringify(made.body)}`)
      runs.push({ tenant, id: made.body.id })
    }
    const each = (...numbers: number[]) => Promise.all(numbers.map(draw))
    comfy.jobMs = 600
    await until(from)
    await each(0, 1, 2, 3)
    // Some wait, one is being drawn: all of it is forgotten.
    while (comfy.submitted.length < 4 && Date.now() < from + overMs) await Bun.sleep(50)
    comfy.restart()
    await until(from + overMs * 0.4)
    comfy.down = true
    await each(4, 5)
    await until(from + overMs * 0.7)
    comfy.down = false
    await until(from + overMs)
    const failed = comfy.submitted.length
    comfy.failNextJob('out of memory')
    await draw(6)
    const read = () =>
      Promise.all(
        runs.map(async ({ tenant, id }) => (await rig.ask(tenant, 'GET', `/runs/${id}`)).body as Run),
      )
    const told = await ended(read)
    // From here on what comes out is no picture.
    comfy.faults.next('GET /view', { is: 'status', status: 200, body: '<html>' }, 100)
    const spoiled = runs.length
    await each(7, 8)
    // Who waited in vain once does not wait again.
    if (told.length === 0) told.push(...(await ended(read)))
    comfy.faults.clear()
    for (const [n, run] of (await read()).entries()) {
      const tenant = runs[n]?.tenant
      const mediaId = run.answer?.mediaId
      if (n >= spoiled) {
        if (run.state !== 'failed') told.push(['LIE', `what is no picture is ${run.state}: ${run.outcome}`])
      } else if (n !== 6 && (run.state !== 'succeeded' || !mediaId))
        told.push(['LOST', `picture ${n} is ${run.state}: ${run.outcome}`])
      if (!tenant || run.state !== 'succeeded' || !mediaId) continue
      const found = await rig.ask(tenant, 'GET', `/media/${mediaId}`)
      if (found.status !== 200) told.push(['LIE', `picture ${n} is said to be drawn and is not there`])
    }
    told.push(...(await drawnOnce(rig)))
    return {
      times: comfy.submitted.length,
      words: `${comfy.submitted.length} prompts, ${failed} before`,
      told,
    }
  },
  async after(rig) {
    await leave(rig)
    await comfy?.stop()
    comfy = null
  },
}

/** A library has no picture that was drawn and that no run names, and none twice. */
async function drawnOnce(rig: Rig): Promise<Told[]> {
  const counts = await Promise.all(
    rig.tenants.map(async tenant => {
      const [row] = await rig.inside(
        tenant,
        ({ sql }) => sql`
          select (select count(*)::int from media) - ${tenant.pictures.length}::int as drawn,
            (select count(*)::int from workflow_runs where kind = 'comfyui' and state = 'succeeded') as told`,
      )
      return { slug: tenant.slug, drawn: row?.drawn as number, told: row?.told as number }
    }),
  )
  return counts
    .filter(({ drawn, told }) => drawn !== told)
    .map(({ slug, drawn, told }) => ['LIE', `${slug} has ${drawn} pictures drawn and ${told} told`] as const)
}
