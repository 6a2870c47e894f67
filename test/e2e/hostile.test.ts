import { afterAll, beforeAll, expect, test } from 'bun:test'
import type { Page } from 'playwright-core'
import { makeReset } from '../../src/auth/passwords.ts'
import { type Comfyui, describePeer, type N8n, startComfyui, startN8n } from '../peers/index.ts'
import { type LiveDesk, openLiveDesk } from './desk.ts'
import { lines, long, mail, names, query, short, tag } from './hostile-words.ts'
import { pageRoutes, pagesOf, shared } from './pages.ts'
import { password, pick, picture, press, send, setUp } from './people.ts'

const slug = 'hostile'

/** What a page shows for itself, at the width it has. */
interface Look {
  ran: boolean
  /** Elements that only hostile text could have made. */
  planted: string[]
  escapedTwice: boolean
  /** How much wider than its window it is, in pixels. */
  overflow: number
  name: string | null
}

const look = (page: Page) => page.evaluate<Look>(lookScript)
const lookScript = `(() => {
  const planted = [
    'script:not([src^="/public/"])',
    // A page that keeps itself fresh asks for its own address, whatever stands in the query.
    '[onerror], [onload], [onfocus], [onclick], [onmouseover], [hx-get*="pwned"]:not(#fresh[hx-get^="/w/hostile/"])',
    'img[src="x"], iframe, object, embed, base',
    'a[href]:not([href^="/"], [href^="#"], [href^="http"], [href^="?"], [href^="mailto:"])',
  ]
  const root = document.scrollingElement
  return {
    ran: '__pwned' in window,
    planted: [...document.querySelectorAll(planted.join())].map(({ outerHTML }) => outerHTML.slice(0, 160)),
    escapedTwice: /&amp;lt;/.test(document.body.textContent),
    overflow: root.scrollWidth - innerWidth,
    name: document.querySelector('.rail-name small')?.textContent ?? null,
  }
})()`

/** Reads RSS or Atom as a browser does, and the markup in it. */
interface FeedRead {
  broken: string | null
  title: string
  planted: string[]
  said: string
}
const readFeed = (page: Page, xml: string) =>
  page.evaluate<FeedRead>(`(() => {
    const dom = new DOMParser().parseFromString(${JSON.stringify(xml)}, 'application/xml')
    const markups = [...dom.querySelectorAll('item, entry')].flatMap(item =>
      [...item.children].filter(({ localName }) => /^(description|encoded|content|summary)$/.test(localName))
        .map(({ textContent }) => textContent))
    const bodies = markups.map(markup => new DOMParser().parseFromString(markup, 'text/html').body)
    const planted = 'script, [onerror], [onload], [onfocus], iframe, a[href^="javascript" i]'
    return {
      broken: dom.querySelector('parsererror')?.textContent ?? null,
      title: dom.querySelector('channel > title, feed > title')?.textContent,
      planted: bodies.flatMap(body => [...body.querySelectorAll(planted)].map(({ outerHTML }) => outerHTML)),
      said: bodies.map(({ textContent }) => textContent).join(),
    }
  })()`)

describePeer('chromium', 'a workspace full of hostile text', () => {
  let desk: LiveDesk
  let page: Page
  let receiver: ReturnType<typeof Bun.serve>
  let n8n: N8n
  let comfyui: Comfyui
  let invited = ''
  const troubles: string[] = []
  const at = (path = '') => `${desk.address}/w/${slug}${path}`
  const inside = <T>(work: Parameters<LiveDesk['running']['services']['db']['within']>[1]) =>
    desk.running.services.db.sql`select id from public.tenants`.then(([tenant]) =>
      desk.running.services.db.within({ tenantId: tenant?.id as string, userId: null, role: 'system' }, work),
    ) as Promise<T>

  beforeAll(async () => {
    let calls = 0
    receiver = Bun.serve({
      port: 0,
      hostname: '127.0.0.1',
      // Lets itself be connected, then refuses each post in hostile words.
      fetch: () => (calls++ === 0 ? new Response() : new Response(long, { status: 400 })),
    })
    ;[n8n, comfyui] = await Promise.all([
      startN8n(),
      startComfyui({ checkpoints: [`${names.markup}.safetensors`] }),
    ])
    n8n.activate('published', { respond: { mode: 'lastNode', items: [{ [names.markup]: long }] } })
    desk = await openLiveDesk({
      N8N_URL: n8n.url,
      COMFYUI_URL: comfyui.url,
      OUTBOUND_ALLOW: `127.0.0.1:${receiver.port}`,
    })
    page = await desk.person()
  }, 60_000)
  afterAll(async () => {
    await desk?.close()
    receiver?.stop(true)
    await Promise.all([n8n?.stop(), comfyui?.stop()])
  })

  /** Looks at the page as it is, wide and light, then narrow and dark. */
  async function inspect(person: Page, where = new URL(person.url()).pathname): Promise<Look> {
    const found: Look[] = []
    for (const [width, scheme] of [
      [1280, 'light'],
      [390, 'dark'],
    ] as const) {
      await person.setViewportSize({ width, height: 844 })
      await person.emulateMedia({ colorScheme: scheme })
      const seen = await look(person)
      if (seen.ran) troubles.push(`${where} at ${width}: hostile text ran`)
      if (seen.escapedTwice) troubles.push(`${where} at ${width}: text is escaped twice`)
      if (seen.overflow > 0) troubles.push(`${where} at ${width}: ${seen.overflow} px too wide`)
      for (const element of seen.planted) troubles.push(`${where} at ${width}: planted ${element}`)
      found.push(seen)
    }
    await person.setViewportSize({ width: 1280, height: 844 })
    return found[0] as Look
  }

  test('is set up, after the form came back with the hostile words in it', async () => {
    await page.goto(`${desk.address}/setup?code=${query}`)
    await inspect(page)
    await page.fill('[name=code]', 'wrong')
    await page.fill('[name=name]', names.markup)
    await page.fill('[name=slug]', names.attribute.slice(0, 40))
    await page.fill('[name=ownerName]', names.turned)
    await page.fill('[name=email]', mail)
    await page.fill('[name=password]', password)
    await send(page, '[name=code]')
    await inspect(page)
    expect(await page.inputValue('[name=name]')).toBe(names.markup)
    expect(await page.inputValue('[name=email]')).toBe(mail)
    await setUp(desk, page, {
      name: names.markup,
      slug,
      ownerName: names.turned,
      email: 'alice@hostile.example',
    })
    expect((await inspect(page)).name).toBe(names.markup)
  }, 40_000)

  test('connects accounts with hostile names and addresses', async () => {
    for (const [answer, name] of [
      ['ok', names.closing],
      ['rejected', names.wide],
    ] as const) {
      await page.goto(at('/accounts/connect/rehearsal'))
      await page.selectOption('[name="settings.answer"]', answer)
      await send(page, '[name="settings.answer"]')
      await page.fill('[name=name]', name)
      await send(page, '[name=name]')
      // The message about the new name carries it, too.
      expect(await page.textContent('.flash')).toContain(name)
      await inspect(page)
    }
    await page.goto(at('/accounts/connect/webhook'))
    await page.fill('[name="settings.url"]', `javascript:window.__pwned=1//${names.markup}`)
    await send(page, '[name="settings.url"]')
    await inspect(page)
    await page.fill(
      '[name="settings.url"]',
      `http://127.0.0.1:${receiver.port}/${names.markup}?${names.attribute}`,
    )
    await send(page, '[name="settings.url"]')
    await page.locator('input[value^=whsec_]').waitFor()
    await inspect(page)
  }, 40_000)

  test('uploads a picture with a hostile name and alt text, and one that is none', async () => {
    await page.goto(at('/media'))
    await page.setInputFiles('[name=files]', [
      await picture(`${names.markup}.jpg`),
      // The cut of the name in the message falls into the middle of an emoji.
      {
        name: `${'x'.repeat(59)}👩‍👩‍👧‍👦${names.markup}.jpg`,
        mimeType: 'image/jpeg',
        buffer: Buffer.from('no'),
      },
      ...Array.from({ length: 8 }, () => ({
        name: `${'מ'.repeat(59)}👩.jpg`,
        mimeType: 'image/jpeg',
        buffer: Buffer.from('no'),
      })),
    ])
    await press(page, 'Upload')
    expect(await page.textContent('.flash')).toContain('Not taken')
    await inspect(page)
    await page.locator('textarea[name=alt]').first().fill(long.slice(0, 1000))
    await send(page, 'textarea[name=alt]')
    await inspect(page)
    expect(await page.locator('textarea[name=alt]').first().inputValue()).toBe(
      lines(long.slice(0, 1000)).trim(),
    )
  }, 40_000)

  test('writes, comments, asks for changes and publishes it', async () => {
    const write = async (text: string) => {
      await page.goto(at('/content/new'))
      await page.fill('textarea[name=text]', text)
      await page.fill('[name=tags]', tag)
    }
    const said = lines(long).slice(0, 9_900)
    await write(long)
    await page.getByText('Other words for one account').click()
    for (const words of await page.locator('textarea[name^="words."]').all())
      await words.fill(short, { force: true })
    await page.getByText('Take from the library').click()
    await page.locator('details[open] input[name=media]').first().check()
    await press(page, /^Save$/, '.action-bar')
    await inspect(page)
    expect(await page.inputValue('textarea[name=text]')).toBe(lines(long))
    await page.fill('textarea[name^="alt."]', names.attribute)
    await press(page, /^Save$/, '.action-bar')
    expect(await page.inputValue('textarea[name^="alt."]')).toBe(names.attribute)
    await page.fill('#f-comment', said)
    await press(page, /^Comment$/)
    await press(page, 'Send to review')
    await page.getByText('Ask for changes').click()
    // A little too long: it comes back, with the panel open.
    await page.fill('textarea[name=note]', said + 'W'.repeat(300))
    await press(page, 'Send it back')
    await inspect(page)
    await page.fill('textarea[name=note]', said)
    await press(page, 'Send it back')
    await inspect(page)

    // Too long for some: the form comes back with all of it.
    await write(long)
    await pick(page)
    await page.getByText('Publish now').click()
    await press(page, 'Send it out now')
    await inspect(page)
    expect(await page.inputValue('textarea[name=text]')).toBe(lines(long))
    await page.fill('textarea[name=text]', short)
    await page.getByText('Publish now').click()
    await press(page, 'Send it out now')

    await write(long)
    await pick(page, /feed/i)
    await page.getByText('Publish now').click()
    await press(page, 'Send it out now')
    await write(long)
    await pick(page, /feed/i)
    await page.fill('[name=local]', '2031-05-01T09:00')
    await press(page, 'Schedule')
    await write(short)
    await press(page, 'Send to review')
  }, 60_000)

  test('invites, joins, makes keys and workflows, and asks for a picture', async () => {
    await page.goto(at('/people'))
    await page.fill('[name=email]', mail)
    await send(page, '[name=email]')
    invited = new URL(await page.inputValue('#invitation-link')).pathname
    await inspect(page)
    await page.fill('[name=email]', 'bob@hostile.example')
    await send(page, '[name=email]')
    const other = await desk.person()
    await other.goto(await page.inputValue('#invitation-link'))
    await other.fill('[name=name]', names.attribute)
    await other.fill('[name=password]', 'short')
    await send(other, '[name=name]')
    await inspect(other)
    await other.fill('[name=password]', password)
    await send(other, '[name=name]')
    expect(await other.locator('.you-name b').first().textContent()).toBe(names.attribute.trim())

    for (const name of [names.markup, names.wide, names.turned]) {
      await page.goto(at('/settings'))
      await page.fill('#f-key-name', name)
      await send(page, '#f-key-name')
      await inspect(page)
    }
    for (const [name, path] of [
      [names.closing, names.markup],
      [names.markup, 'published'],
      [names.wide, 'w'.repeat(200)],
    ] as const) {
      await page.goto(at('/workflows'))
      await page.fill('[name=name]', name)
      await page.fill('[name=path]', path)
      await send(page, '[name=path]')
      await inspect(page)
    }
    await page.goto(at('/workflows'))
    for (let card = 0; card < 2; card++) {
      await page.locator('main form[action$="/runs"] button').nth(card).click()
      await page.waitForURL(/\/runs\//)
      await page.goto(at('/workflows'))
    }
    await page.goto(at('/settings/webhooks'))
    await page.fill('[name=url]', `https://hooks.invalid/${names.markup}`)
    await send(page, '[name=url]')
    await inspect(page)
    await page.locator('main form[action$="/test"] button').first().click()
    await page.waitForURL(/\/webhooks\/./)
    await inspect(page)
    await page.locator('main form[action$="/active"] button').first().click()
    await page.goto(at('/media/generate'))
    await page.fill('[name=prompt]', long.slice(0, 4000))
    await page.fill('[name=negative]', names.attribute)
    await send(page, '[name=prompt]')
    await inspect(page)
  }, 60_000)

  test('shows it as text on every page, and nothing of it runs', async () => {
    // The worker ends what is under way.
    for (let tries = 0; ; tries++) {
      const [left] = await inside<Record<string, unknown>[]>(
        scope => scope.sql`select
          (select count(*) from publish_jobs where state = 'publishing' or run_at <= now() and state = 'scheduled')
          + (select count(*) from workflow_runs where state = 'running' or tries = 0) as n`,
      )
      if (Number(left?.n) === 0) break
      if (tries > 100) throw new Error(`${left?.n} jobs and runs do not end`)
      await Bun.sleep(100)
    }
    const { token } = await inside<{ token: string }>(scope => makeReset(scope, 'bob@hostile.example'))
    const [tenant] = await desk.running.services.db.sql`select id from public.tenants`
    const pages = await pagesOf(desk, { join: invited, reset: `/reset/${tenant?.id}/${token}` })
    expect(Object.keys(pages).sort()).toEqual(pageRoutes(desk).sort())
    const addresses = Object.values(pages).flat()
    await shared([page, await page.context().newPage()], addresses, async (hand, path) => {
      await hand.goto(desk.address + path, { waitUntil: 'load' })
      const { name } = await inspect(hand, path)
      if (name !== null && name !== names.markup) troubles.push(`${path}: the workspace is called ${name}`)
    })
    expect(troubles).toEqual([])
  }, 90_000)

  test('hostile addresses are as harmless', async () => {
    const asked = [
      ...['/content?q=', '/content?tag=', '/content?state=', '/content?cursor=', '/content/new?local='],
      ...['/calendar?month=', '/calendar?view=', '/calendar?account=', '/calendar?day=', '/media?cursor='],
      ...['/publish-jobs?state=', '/publish-jobs?after=', '/notifications?after=', '/people?cursor='],
      ...[
        '/workflows?cursor=',
        '/settings/webhooks/',
        '/media/generate?kind=',
        '/media/generate?again=',
        '/content/',
        '/runs/',
        '/',
      ],
    ].map(path => `/w/${slug}${path}${query}`)
    const open = [
      '/',
      '/w/',
      '/feed/',
      `/feed/${slug}?cursor=`,
      '/sign-in?next=',
      '/sign-in?next=javascript:',
      '/?',
    ]
    const all = [...asked, ...open.map(path => path + query)]
    await shared([page, await page.context().newPage()], all, async (hand, path) => {
      await hand.goto(desk.address + path)
      await inspect(hand, path.slice(0, 60))
    })
    const search = page.locator('[data-search]')
    await page.goto(at())
    await search.fill(long)
    await Promise.all([page.waitForEvent('load'), search.press('Enter')])
    await inspect(page)
    expect(troubles).toEqual([])
  }, 60_000)

  test('the feed says it word for word, in XML and JSON that can be read', async () => {
    const home = `${desk.address}/feed/${slug}`
    await page.goto(home)
    for (const name of ['rss.xml', 'atom.xml']) {
      const text = await (await fetch(`${home}/${name}`)).text()
      const read = await readFeed(page, text)
      expect(read).toMatchObject({ broken: null, title: names.markup, planted: [] })
      expect(read.said).toContain('<script>window.__pwned=1</script>')
    }
    const json = (await (await fetch(`${home}/feed.json`)).json()) as { title: string; items: unknown[] }
    expect(json.title).toBe(names.markup)
    expect(json.items.length).toBeGreaterThan(1)
  }, 30_000)

  test('nothing complained: no script error, no dialog, no content policy report, no request elsewhere, no 500', () => {
    expect(troubles).toEqual([])
    expect(desk.complaints).toEqual([])
  })
})
