/** The error catalogue: every code is reached by a server that answers so, is written in the docs, and carries no token. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { readFileSync } from 'node:fs'
import { Glob } from 'bun'
import { createOutbound } from '../../src/lib/fetch.ts'
import { bluesky } from '../../src/platforms/bluesky.ts'
import { misfits, type network, ours, replies } from '../../src/platforms/catalogue/everywhere.ts'
import { catalogue, entryOf, helpPath } from '../../src/platforms/catalogue/index.ts'
import { feed } from '../../src/platforms/feed.ts'
import { mastodon } from '../../src/platforms/mastodon.ts'
import { type Failure, type Finding, type PlatformId, platformIds } from '../../src/platforms/platform.ts'
import { rehearsal } from '../../src/platforms/rehearsal.ts'
import { webhook } from '../../src/platforms/webhook.ts'
import { failuresOf, writtenIn } from '../failure-docs.ts'
import { describePeer, type Mastodon, type Pds, startMastodon, startPds } from '../peers/index.ts'
import { type Fault, type Served, serve } from '../peers/serve.ts'
import { connectWorld, pictureOf, postOf, publish, reconcile, sendingOf, type World } from './world.ts'

/** Makes one failure happen. @returns how it ended */
type Provoke = () => Promise<Finding>

/** Each code's case is played, its outcome is the catalogue's, and no code of the platform is left out. */
async function playAll(
  platform: PlatformId,
  cases: Record<string, Provoke>,
  clear: () => void = () => undefined,
) {
  // Only these two have answers that nobody can list; of a webhook every status is known, and the others answer nothing.
  const open = platform === 'mastodon' || platform === 'bluesky'
  const own = Object.keys(catalogue[platform]).filter(
    code => !(code in ours || code in replies) || (open && code === 'uncatalogued'),
  )
  expect(Object.keys(cases).sort()).toEqual(own.sort())
  for (const [code, provoke] of Object.entries(cases)) {
    const outcome = await provoke()
    clear()
    const why: Failure | null = 'why' in outcome ? outcome.why : null
    expect({ code, got: why?.code ?? outcome.is }).toEqual({ code, got: code })
    const wanted = entryOf(platform, code)?.outcome ?? ''
    // Where the platform knows a repeat, what may be there is sent again instead of asked about, and the reverse.
    const asked = outcome.is === 'unconfirmed' || wanted === 'unconfirmed'
    expect({ code, is: asked ? wanted : outcome.is }).toEqual({ code, is: wanted })
    expect(why?.message).toMatch(/\S{3}.*[.:!)…]|: /)
    expect(why?.message).not.toMatch(/[{}]/)
    expect(why?.next).toMatch(/\.$/)
  }
}

async function misfitCases(world: World): Promise<Record<string, Provoke>> {
  const picture = await pictureOf()
  const { limits } = world.account
  const say =
    (text: string, images = [picture]) =>
    () =>
      publish(world, postOf(text, images))
  return {
    empty: say(' ', []),
    text_too_long: say('x'.repeat(limits.text.max + 1)),
    too_many_images: say('x', Array(limits.images.max + 1).fill(picture)),
    image_type: say('x', [{ ...picture, type: 'image/gif' }]),
    image_too_large: say('x', [{ ...picture, bytes: limits.images.maxBytes + 1 }]),
    alt_too_long: say('x', [{ ...picture, alt: 'x'.repeat(limits.images.maxAlt + 1) }]),
  }
}

/** A world whose account lives at `base`, and whose outbound client is made for it. */
function at(world: World, base: string, options: Parameters<typeof createOutbound>[0]): World {
  const settings = Object.fromEntries(
    Object.entries(world.account.settings).map(([key, value]) => [
      key,
      typeof value === 'string' && value.startsWith('http') ? base : value,
    ]),
  )
  return { ...world, account: { ...world.account, settings }, fetch: createOutbound(options) }
}

function networkCases(
  world: World,
  url: string,
  next: (fault: Fault) => void,
): Record<keyof typeof network, Provoke> {
  const { host } = new URL(url)
  const fault = (one: Fault) => () => {
    next(one)
    return publish(world, postOf(`Network ${crypto.randomUUID()}`))
  }
  const from = (other: World) => () => publish(other, postOf('x'))
  return {
    network_address: from(at(world, 'http://10.0.0.1', { allow: [] })),
    network_dns: from(at(world, 'https://nowhere.invalid', { allow: [], resolve: async () => [] })),
    network_connect: from(at(world, 'http://127.0.0.1:1', { allow: ['127.0.0.1:1'] })),
    network_tls: from(at(world, `https://${host}`, { allow: [host] })),
    network_timeout: () => {
      next({ is: 'hang' })
      const impatient: World = {
        ...world,
        fetch: (to, init) => world.fetch(to, { ...init, timeoutMs: 150 }),
      }
      return publish(impatient, postOf('x'))
    },
    network_reset: fault({ is: 'drop' }),
    network_too_large: fault({ is: 'status', status: 500, body: { error: 'x'.repeat(1_200_000) } }),
    network_aborted: () => {
      const post = postOf('x')
      const sending = { ...sendingOf(world, post), signal: AbortSignal.abort() }
      return world.platform.publish(world.account, post, sending)
    },
  }
}

describe('catalogue: every code is reached', () => {
  let server: Mastodon
  let receiver: Served
  beforeAll(async () => {
    server = await startMastodon({ mediaPolls: 1, rateLimit: 100_000 })
    receiver = await serve(() => Response.json({}))
  })
  afterAll(() => Promise.all([server.stop(), receiver.stop()]))

  test('mastodon', async () => {
    let people = 0
    const account = async () => {
      const { token } = server.addAccount(`kit${++people}`)
      return connectWorld(mastodon, { instance: server.url, token }, [server.host])
    }
    const world = await account()
    const call = 'POST /api/v1/statuses'
    const answers =
      (status: number, body: unknown, at = call) =>
      async () => {
        server.faults.next(at, { is: 'status', status, body })
        return publish(world, postOf(`Case ${crypto.randomUUID()}`, at === call ? [] : [await pictureOf()]))
      }
    await playAll(
      'mastodon',
      {
        ...(await misfitCases(world)),
        ...networkCases(world, server.url, fault => server.faults.next(call, fault)),
        throttled: () => {
          server.faults.next(call, { is: 'throttled', resetAt: new Date(Date.now() + 60_000) })
          return publish(world, postOf('Too fast'))
        },
        token_revoked: async () => {
          const other = await account()
          server.revoke(String(other.secret.token))
          return publish(other, postOf('Revoked'))
        },
        forbidden: async () => {
          const other = await account()
          server.disable(String(other.secret.token))
          return publish(other, postOf('Disabled'))
        },
        scope_missing: async () => {
          server.faults.next('GET /api/v1/apps/verify_credentials', {
            is: 'status',
            status: 200,
            body: { name: 'Masthead', scopes: ['read'] },
          })
          const seen = await mastodon.outlook?.(world.account, sendingOf(world, postOf('x')))
          return { is: 'reconnect', why: seen?.refuses ?? { code: 'none', message: '', next: '' } }
        },
        server_gone: answers(404, { error: 'Record not found' }),
        parent_gone: () => {
          server.faults.next(call, { is: 'status', status: 404, body: { error: 'No such post' } })
          return publish(world, postOf('An answer', [], { answers: { root: '1', parent: '1' } }))
        },
        media_processing: answers(422, {
          error: 'Cannot attach files that have not finished processing. Try again in a moment!',
        }),
        image_refused: answers(413, { error: 'Payload too large' }, 'POST /api/v2/media'),
        refused: answers(422, { error: 'Validation failed: Text character limit of 500 exceeded' }),
        server_error: answers(503, { error: 'Remote data could not be fetched' }),
        unexpected_answer: answers(502, '<html>Bad gateway</html>'),
        cannot_look: async () => {
          const other = await account()
          other.account.settings.keyed = false
          const post = postOf('Where?')
          server.faults.next(call, { is: 'drop', when: 'after' })
          await publish(other, post)
          server.faults.next(`GET /api/v1/accounts/${other.account.remoteId}/statuses`, {
            is: 'status',
            status: 500,
          })
          return reconcile(other, post)
        },
        credential_missing: () => publish({ ...world, secret: {} }, postOf('x')),
        uncatalogued: answers(418, { error: 'I am a teapot' }),
      },
      () => server.faults.clear(),
    )
  }, 30_000)

  test('webhook', async () => {
    const world = await connectWorld(webhook, { url: `${receiver.url}/hook` }, [new URL(receiver.url).host])
    const answers = (status: number) => () => {
      receiver.faults.next('POST *', { is: 'status', status })
      return publish(world, postOf('x'))
    }
    // The status says enough: what follows it is not read, however much it is.
    const { network_too_large: _, ...cases } = networkCases(world, receiver.url, fault =>
      receiver.faults.next('POST *', fault),
    )
    await playAll(
      'webhook',
      {
        ...(await misfitCases(world)),
        ...cases,
        gone: answers(410),
        redirect: answers(307),
        throttled: answers(429),
        refused: answers(422),
        receiver_error: answers(503),
        not_taken: answers(404),
        answer_unknown: () => reconcile(world, postOf('x')),
        credential_missing: () => publish({ ...world, secret: {} }, postOf('x')),
      },
      () => receiver.faults.clear(),
    )
  }, 30_000)

  test('rehearsal and feed', async () => {
    const acting = (answer: string) => connectWorld(rehearsal, { answer, delayMs: 60_000 }, [])
    const play = (answer: string) => async () => publish(await acting(answer), postOf('x'))
    await playAll('rehearsal', {
      ...(await misfitCases(await acting('ok'))),
      rehearsed_rejection: play('rejected'),
      throttled: play('throttled'),
      called_off: async () => {
        const world = await acting('ok')
        const post = postOf('x')
        return rehearsal.publish(world.account, post, {
          ...sendingOf(world, post),
          signal: AbortSignal.abort(),
        })
      },
      answer_lost: async () => publish(await connectWorld(rehearsal, { answer: 'lost' }, []), postOf('x')),
    })
    await playAll('feed', await misfitCases(await connectWorld(feed, {}, [])))
  })

  test('what happens on our side is said by the code that finds it, and has its words', () => {
    const source = [...new Glob('src/{approvals,jobs,publishing,recurrences,tenants}/*.ts').scanSync()]
      .map(file => readFileSync(file, 'utf8'))
      .join()
    const said = [
      ...source.matchAll(
        /\bcode: '([a-z_]+)',\s+message|'code', '([a-z_]+)'|(?:sealBroken|outsideWindow) = '(.+)'/g,
      ),
    ]
    expect([...new Set(said.map(([, ...codes]) => codes.find(Boolean)))].sort()).toEqual(
      Object.keys({ ...ours, ...replies })
        .filter(code => code !== 'uncatalogued')
        .sort(),
    )
  })
})

describePeer('pds', 'catalogue: every code of bluesky is reached', () => {
  let pds: Pds
  let proxy: Served
  beforeAll(async () => {
    pds = await startPds()
    proxy = await serve(async request => {
      const answer = await fetch(`${pds.url}${request.path}?${request.query}`, {
        method: request.method,
        headers: Object.fromEntries(
          [...request.headers].filter(([name]) => !['host', 'connection', 'content-length'].includes(name)),
        ),
        ...(request.method === 'POST' ? { body: new Uint8Array(request.raw) } : {}),
      })
      const headers = new Headers({ 'content-type': answer.headers.get('content-type') ?? 'text/plain' })
      return new Response(await answer.arrayBuffer(), { status: answer.status, headers })
    })
  }, 60_000)
  afterAll(async () => {
    await proxy?.stop()
    await pds?.stop()
  })

  test('bluesky', async () => {
    const person = await pds.createAccount('cat')
    const { host } = new URL(proxy.url)
    const world = await connectWorld(
      bluesky,
      { service: proxy.url, identifier: person.handle, password: person.appPassword },
      [host],
    )
    const put = 'POST /xrpc/com.atproto.repo.putRecord'
    const upload = 'POST /xrpc/com.atproto.repo.uploadBlob'
    const answers =
      (status: number, body: unknown, at = put, times = 1) =>
      async () => {
        proxy.faults.next(at, { is: 'status', status, body }, times)
        return publish(world, postOf(`Case ${crypto.randomUUID()}`, at === upload ? [await pictureOf()] : []))
      }
    await playAll(
      'bluesky',
      {
        ...(await misfitCases(world)),
        ...networkCases(world, proxy.url, fault => proxy.faults.next(put, fault)),
        throttled: () => {
          proxy.faults.next(put, { is: 'throttled', resetAt: new Date(Date.now() + 60_000) })
          return publish(world, postOf('Too fast'))
        },
        account_inactive: answers(400, { error: 'AccountTakedown', message: 'Account has been taken down' }),
        sign_in_code: () => {
          proxy.faults.next('POST /xrpc/com.atproto.server.createSession', {
            is: 'status',
            status: 401,
            body: { error: 'AuthFactorTokenRequired', message: 'A sign in code has been sent' },
          })
          const aged = { ...world, secret: { ...world.secret, accessJwt: 'aged', refreshJwt: 'spent' } }
          return publish(aged, postOf('x'))
        },
        sign_in_refused: () =>
          publish(
            { ...world, secret: { password: 'wrong', accessJwt: 'aged', refreshJwt: 'spent' } },
            postOf('x'),
          ),
        pictures_gone: answers(400, { error: 'BlobNotFound', message: 'Could not find blob' }, put, 2),
        refused: answers(400, { error: 'InvalidRequest', message: 'Invalid app.bsky.feed.post record' }),
        image_refused: answers(400, { error: 'InvalidMimeType', message: 'Wrong type of file' }, upload),
        server_error: answers(502, { error: 'UpstreamFailure', message: 'Upstream failure' }),
        unexpected_answer: answers(502, '<html>Bad gateway</html>'),
        parent_gone: () => {
          const absent = `at://${world.account.remoteId}/app.bsky.feed.post/3kqzmabsent2c`
          return publish(world, postOf('An answer', [], { answers: { root: absent, parent: absent } }))
        },
        settings_missing: () =>
          publish({ ...world, account: { ...world.account, settings: {} } }, postOf('x')),
        uncatalogued: answers(400, { error: 'ATeapot', message: 'short and stout' }),
      },
      () => proxy.faults.clear(),
    )
  }, 60_000)
})

describe('catalogue: the docs', () => {
  test.each([...platformIds])('%s has a section for each code', platform => {
    const page = writtenIn(platform)
    // Written by `bun test/failure-docs.ts`.
    expect(page).toBe(failuresOf(platform))
    const headings = new Set([...(page ?? '').matchAll(/^### (\S+)$/gm)].map(([, code]) => code))
    for (const code of Object.keys(catalogue[platform])) {
      expect(headings.has(code)).toBe(true)
      expect(helpPath(platform, code)).toBe(`/help/${platform}#${code}`)
    }
  })

  test('every entry has words, and misfits are the same everywhere', () => {
    for (const platform of platformIds) {
      expect(Object.keys(catalogue[platform])).toEqual(expect.arrayContaining(Object.keys(misfits)))
      for (const [code, { cause, next }] of Object.entries(catalogue[platform]))
        expect({ code, ends: /\.$/.test(cause) && /\.$/.test(next) }).toEqual({ code, ends: true })
    }
    expect(entryOf('feed', 'toString')).toBeUndefined()
    expect(entryOf('__proto__', 'refused')).toBeUndefined()
  })
})
