/** The platforms of the rig, each with a journal of its own, and one hand over all of them that decides what a post meets. */
import { type Mastodon, type PdsAccount, startMastodon, startPds } from '../peers/index.ts'
import { type Fault, passOn, type Received, type Served, serve } from '../peers/serve.ts'
import type { Shown } from './check.ts'

/** `compatible` speaks Mastodon's protocol and knows no Idempotency-Key: only looking tells. `bluesky` is a real PDS. */
export const networks = ['mastodon', 'webhook', 'bluesky', 'compatible'] as const
export type Network = (typeof networks)[number]

/** One account at one network. */
export interface Home {
  network: Network
  /** As the network's witness names it. */
  place: string
  platform: 'mastodon' | 'webhook' | 'bluesky'
  settings: Record<string, string>
  /** From now on its credential is refused. */
  revoke?(): Promise<void>
  /** @returns the settings to connect it anew with */
  renew?(): Promise<Record<string, string>>
}

export interface Platforms {
  /** `host:port` of each, for OUTBOUND_ALLOW. */
  hosts: string[]
  /** Where webhooks arrive. */
  receiver: URL
  served: Record<Network, Pick<Served, 'faults' | 'requests'>>
  /** The next `times` calls that publish this text meet `fault`. */
  meet(text: string, fault: Fault, times?: number): void
  /** With each credential the `nth` upload of a picture meets `fault`, once. */
  meetUpload(nth: number, fault: Fault): void
  /** How many uploads of pictures each network was asked for, so far. */
  uploads(): Record<'mastodon' | 'compatible' | 'bluesky', number>
  /** Nothing goes wrong any more. @returns how much of what was to be met was not */
  clear(): number
  homes(name: string): Promise<Home[]>
  /** Whether a place is one of theirs: the rehearsal network is the app's own. */
  has(place: string): boolean
  /** All that readers see, by each network's own witness. */
  shown(): Promise<Shown[]>
  stop(): Promise<void>
}

interface Words {
  status?: string
  data?: { text?: string; images?: { alt: string }[] }
  record?: { text?: string }
}

/** The text that a call would publish, or null. */
function textOf({ method, path, raw }: Received): string | null {
  if (method !== 'POST') return null
  if (path !== '/api/v1/statuses' && path !== putRecord && !path.startsWith('/hook/')) return null
  const words = JSON.parse(Buffer.from(raw).toString()) as Words
  return words.status ?? words.data?.text ?? words.record?.text ?? null
}

const putRecord = '/xrpc/com.atproto.repo.putRecord'
const isUpload = ({ method, path }: Received) =>
  method === 'POST' && (path === '/api/v2/media' || path === '/xrpc/com.atproto.repo.uploadBlob')

/** What the post says that stands above; one that is not there any more says nothing that anybody planned. */
const textUnder = (texts: ReadonlyMap<string, string>, parent: string | null): string | null =>
  parent === null ? null : (texts.get(parent) ?? `what is not there, ${parent}`)

export async function startPlatforms(): Promise<Platforms> {
  const [mastodon, compatible, pds] = await Promise.all([
    startMastodon({ rateLimit: 1_000_000 }),
    startMastodon({
      rateLimit: 1_000_000,
      idempotency: false,
      version: '2.7.2 (compatible; Pleroma 2.9.0)',
    }),
    startPds(),
  ])
  const arrivals = new Map<string, Shown>()
  const receiver = await serve(request => {
    const id = request.headers.get('webhook-id') ?? ''
    const { data } = JSON.parse(Buffer.from(request.raw).toString()) as Words
    // The receiver knows a repeat by its id, as the standard says.
    if (data?.text && !arrivals.has(id))
      arrivals.set(id, {
        place: request.path,
        text: data.text,
        at: request.at.getTime(),
        alts: (data.images ?? []).map(({ alt }) => alt),
      })
    return Response.json({ id })
  })
  const records = new Map<string, number>()
  const sky = await serve(async request => {
    const answer = await passOn(pds.url, request)
    if (request.path === putRecord && answer.status === 200) {
      const { uri } = (await answer.clone().json()) as { uri: string }
      if (!records.has(uri)) records.set(uri, request.at.getTime())
    }
    return answer
  })
  const served = { mastodon, compatible, webhook: receiver, bluesky: sky }
  const met = new Map<string, Fault[]>()
  let interrupted: { nth: number; fault: Fault; counts: Map<string, number> } | null = null
  const meetsAtUpload = (request: Received): Fault | null => {
    if (!interrupted || !isUpload(request)) return null
    const { nth, fault, counts } = interrupted
    const credential = request.headers.get('authorization') ?? ''
    const count = (counts.get(credential) ?? 0) + 1
    counts.set(credential, count)
    return count === nth ? fault : null
  }
  for (const { faults } of Object.values(served))
    faults.choose = request => met.get(textOf(request) ?? '')?.shift() ?? meetsAtUpload(request)

  const places = new Set<string>()
  const people = new Map<string, PdsAccount>()

  function status(of: Mastodon, network: Network, name: string): Home {
    const person = of.addAccount(name)
    let { token } = person
    return {
      network,
      place: `${network} ${person.id}`,
      platform: 'mastodon',
      settings: { instance: of.url, token },
      revoke: async () => of.revoke(token),
      async renew() {
        token = of.renew(person.id)
        return { instance: of.url, token }
      },
    }
  }

  async function repository(name: string): Promise<Home> {
    const person = await pds.createAccount(name)
    people.set(person.did, person)
    const settings = (password: string) => ({ service: sky.url, identifier: person.handle, password })
    return {
      network: 'bluesky',
      place: person.did,
      platform: 'bluesky',
      settings: settings(person.appPassword),
      revoke: () => pds.revokeAppPassword(person),
      renew: async () => settings(await pds.renewAppPassword(person)),
    }
  }

  async function shownBySky(): Promise<Shown[]> {
    const all = await Promise.all(
      [...people.keys()].map(async did =>
        (await pds.records(did)).map(({ uri, value }) => ({
          place: did,
          text: String(value.text),
          at: records.get(uri) ?? null,
          alts: ((value.embed as { images?: { alt: string }[] })?.images ?? []).map(({ alt }) => alt),
          parent: (value.reply as { parent: { uri: string } } | undefined)?.parent.uri,
          uri,
        })),
      ),
    )
    const texts = new Map(all.flat().map(({ uri, text }) => [uri, text]))
    return all
      .flat()
      .map(({ uri, parent, ...shown }) => ({ ...shown, answers: textUnder(texts, parent ?? null) }))
  }

  function shownBy(of: Mastodon, network: Network): Shown[] {
    const texts = new Map(of.accepted.map(({ id, text }) => [id, text]))
    return of.accepted.map(({ accountId, text, at, mediaIds, inReplyTo }) => ({
      place: `${network} ${accountId}`,
      text,
      at: at.getTime(),
      alts: mediaIds.map(id => of.media(id)?.description ?? ''),
      answers: textUnder(texts, inReplyTo),
    }))
  }

  return {
    hosts: [mastodon.host, compatible.host, new URL(receiver.url).host, new URL(sky.url).host],
    receiver: new URL(receiver.url),
    served,
    meet(text, fault, times = 1) {
      met.set(text, [...(met.get(text) ?? []), ...Array.from({ length: times }, () => fault)])
    },
    meetUpload(nth, fault) {
      interrupted = { nth, fault, counts: new Map() }
    },
    uploads: () => ({
      mastodon: mastodon.requests.filter(isUpload).length,
      compatible: compatible.requests.filter(isUpload).length,
      bluesky: sky.requests.filter(isUpload).length,
    }),
    clear() {
      interrupted = null
      const unmet = [...met.values()].reduce((all, left) => all + left.length, 0)
      met.clear()
      for (const { faults } of Object.values(served)) faults.clear()
      return unmet
    },
    async homes(name) {
      const hook = `/hook/${name}`
      const homes: Home[] = [
        status(mastodon, 'mastodon', name),
        {
          network: 'webhook',
          place: hook,
          platform: 'webhook',
          settings: { url: receiver.url + hook },
        },
        await repository(name),
        status(compatible, 'compatible', name),
      ]
      for (const { place } of homes) places.add(place)
      return homes
    },
    has: place => places.has(place),
    shown: async () => [
      ...shownBy(mastodon, 'mastodon'),
      ...shownBy(compatible, 'compatible'),
      ...arrivals.values(),
      ...(await shownBySky()),
    ],
    async stop() {
      await Promise.all([mastodon, compatible, receiver, sky, pds].map(one => one.stop()))
    },
  }
}
