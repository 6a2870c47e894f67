import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { xml2js } from 'xml-js'
import { storyOf } from '../src/feed/words.ts'
import { createWorker, type Worker } from '../src/jobs/worker.ts'
import { type House, openHouse, type Person } from './cast.ts'

let house: House
let worker: Worker
beforeAll(async () => {
  house = await openHouse({ PUBLIC_URL: 'https://desk.northwind.example' })
  worker = createWorker(house.services)
})
afterAll(async () => {
  await worker.stop(5_000)
  await house.close()
})

const origin = 'https://desk.northwind.example'
const home = `${origin}/feed/northwind`
const feedOf = async (person: Person): Promise<string> =>
  (await person.api('GET', '/accounts')).body.items.find((a: { platform: string }) => a.platform === 'feed')
    .id

async function picture(person: Person, alt: string): Promise<string> {
  const colour = `#${Math.floor(Math.random() * 0xffffff)
    .toString(16)
    .padStart(6, '0')}`
  const bytes = await sharp({ create: { width: 60, height: 40, channels: 3, background: colour } })
    .png()
    .toBuffer()
  const data = new FormData()
  data.append('file', new File([bytes as Uint8Array<ArrayBuffer>], 'cup.png'))
  data.append('alt', alt)
  return (await person.api('POST', '/media', data)).body.id
}

/** Publishes to the own feed and gives the job back. */
async function publish(
  person: Person,
  content: object,
): Promise<{ id: string; remoteUrl: string; state: string }> {
  const made = await person.api('POST', '/content', content)
  expect(made.status).toBe(201)
  const jobs = await person.api('POST', `/content/${made.body.id}/publish-jobs`, {
    accounts: [await feedOf(person)],
    now: true,
  })
  expect(jobs.status).toBe(201)
  await worker.idle()
  return (await person.api('GET', `/publish-jobs/${jobs.body.items[0].id}`)).body
}

const get = (path: string, headers: Record<string, string> = {}) =>
  house.app.handle(new Request(`http://localhost${path}`, { headers }))
const text = async (path: string) => (await get(path)).text()
const all = async () => ({
  html: await text('/feed/northwind'),
  rss: await text('/feed/northwind/rss.xml'),
  atom: await text('/feed/northwind/atom.xml'),
  json: await text('/feed/northwind/feed.json'),
})

// biome-ignore lint/suspicious/noExplicitAny: a parsed document of any shape
const parsed = (xml: string): any => xml2js(xml, { compact: true })
// biome-ignore lint/suspicious/noExplicitAny: as above
const list = (value: any): any[] => [value ?? []].flat()

/** Everything in a piece of HTML that would run, as a browser's parser sees it. */
async function running(html: string): Promise<string[]> {
  const found: string[] = []
  const rewriter = new HTMLRewriter().on('*', {
    element(element) {
      if (['script', 'style', 'iframe', 'object'].includes(element.tagName)) found.push(element.tagName)
      for (const [name, value] of element.attributes)
        if (name.startsWith('on') || /^\s*javascript:/i.test(value)) found.push(`${name}=${value}`)
    },
  })
  await rewriter.transform(new Response(html)).text()
  return found
}

describe('the feed', () => {
  test('of a new workspace is empty and says so, in every format', async () => {
    const page = await house.anyone('GET', '/feed/southpaw')
    expect(page.status).toBe(200)
    expect(page.html.includes('Nothing is published yet')).toBe(true)
    expect(list(parsed(await text('/feed/southpaw/rss.xml')).rss.channel.item)).toEqual([])
    expect(parsed(await text('/feed/southpaw/atom.xml')).feed.title._text).toBe('Southpaw Records')
    expect(JSON.parse(await text('/feed/southpaw/feed.json')).items).toEqual([])
  })

  test('shows what is published, under its permalink, to anybody', async () => {
    const id = await picture(house.alice, 'A cup on a "table" & <b>more</b>')
    const job = await publish(house.alice, {
      text: 'The autumn roast is back.\nRead https://example.org/roast?a=1&b=2 for more.',
      media: [id],
    })
    expect(job.remoteUrl).toBe(`${home}/posts/${job.id}`)
    const post = await house.anyone('GET', new URL(job.remoteUrl).pathname)
    expect(post.status).toBe(200)
    expect(post.html).toContain('The autumn roast is back')
    expect(post.html).toContain('href="https://example.org/roast?a=1&amp;b=2"')
    expect(post.html).toContain(`${home}/media/${id}.png`)
    const shown = await get(`/feed/northwind/media/${id}.png`)
    expect(shown.status).toBe(200)
    expect(shown.headers.get('content-type')).toBe('image/png')
    expect(shown.headers.get('cache-control')).toStartWith('public')
    expect(shown.headers.get('content-security-policy')).toBe('sandbox')
    expect(shown.headers.get('set-cookie')).toBeNull()
    expect((await get(`/feed/northwind/media/${id}?size=thumbnail`)).headers.get('content-type')).toBe(
      'image/webp',
    )
  })

  test('gives RSS, Atom and JSON Feed with one id, date and picture for each post', async () => {
    const id = await picture(house.alice, 'Beans < cups & "spoons"')
    const job = await publish(house.alice, { text: 'Beans & spoons <b>today</b>. More below.', media: [id] })
    const { rss, atom, json } = await all()
    const item = list(parsed(rss).rss.channel.item)[0]
    expect(item.guid._text).toBe(job.remoteUrl)
    expect(item.guid._attributes.isPermaLink).toBe('true')
    expect(item.link._text).toBe(job.remoteUrl)
    expect(item.enclosure._attributes).toMatchObject({ url: `${home}/media/${id}.png`, type: 'image/png' })
    expect(Number(item.enclosure._attributes.length)).toBeGreaterThan(0)
    expect(item['content:encoded']._cdata).toContain('&#34;spoons&#34;"')
    expect(item['content:encoded']._cdata).toContain('Beans &amp; spoons &lt;b&gt;today&lt;/b&gt;')
    const { feed } = parsed(atom)
    const entry = list(feed.entry)[0]
    expect(feed.id._text).toBe(home)
    expect(feed.author.name._text).toBe('Northwind Coffee')
    expect(entry.id._text).toBe(job.remoteUrl)
    expect(entry.title._cdata).toBe('Beans &amp; spoons &lt;b&gt;today&lt;/b&gt;')
    const enclosure = entry.link.find(
      (l: { _attributes: { rel?: string } }) => l._attributes.rel === 'enclosure',
    )
    expect(enclosure._attributes).toMatchObject({ href: `${home}/media/${id}.png`, type: 'image/png' })
    const document = JSON.parse(json)
    expect(document).toMatchObject({
      title: 'Northwind Coffee',
      home_page_url: home,
      feed_url: `${home}/feed.json`,
    })
    expect(document.items[0]).toMatchObject({
      id: job.remoteUrl,
      url: job.remoteUrl,
      image: `${home}/media/${id}.png`,
    })
    expect(document.items[0].attachments[0]).toMatchObject({
      mime_type: 'image/png',
      title: 'Beans < cups & "spoons"',
    })
    const dates = [
      new Date(item.pubDate._text),
      new Date(entry.published._text),
      new Date(document.items[0].date_published),
    ]
    for (const date of dates) expect(Math.abs(date.getTime() - Date.now())).toBeLessThan(60_000)
    expect(entry.updated._text).toBe(entry.published._text)
    const ids = list(feed.entry).map(one => one.id._text)
    expect(new Set(ids).size).toBe(ids.length)
    expect(list(parsed(rss).rss.channel.item).map(one => one.guid._text)).toEqual(ids)
  })

  test('answers with types that readers know, and 304 to who has it', async () => {
    for (const [path, type] of [
      ['', 'text/html'],
      ['/rss.xml', 'application/rss+xml'],
      ['/atom.xml', 'application/atom+xml'],
      ['/feed.json', 'application/feed+json'],
    ]) {
      const first = await get(`/feed/northwind${path}`)
      expect(first.headers.get('content-type')).toStartWith(type ?? '')
      const etag = first.headers.get('etag') ?? ''
      expect(etag).not.toBe('')
      const again = await get(`/feed/northwind${path}`, { 'if-none-match': `W/"x", ${etag}` })
      expect(again.status).toBe(304)
      expect(await again.text()).toBe('')
    }
    const before = (await get('/feed/northwind/rss.xml')).headers.get('etag') ?? ''
    await publish(house.alice, { text: 'Something new.' })
    expect((await get('/feed/northwind/rss.xml', { 'if-none-match': before })).status).toBe(200)
  })

  test('carries hostile words without breaking a format or running anything', async () => {
    const hostile = [
      'Hostile <script>alert(1)</script> ]]> &amp; <![CDATA[ & javascript:alert(2) "quotes" \'single\'',
      'control \u0001\u0008\u000c\u001b\ufffe\uffff end, emoji 👩‍👩‍👧, العربية and \u202eturned',
      'https://example.org/"onmouseover="alert(3) <a href="javascript:alert(4)">x</a>',
    ].join('\n\n')
    const id = await picture(house.alice, '"><img src=x onerror=alert(5)>]]>')
    const job = await publish(house.alice, { text: hostile, media: [id] })
    const { html, rss, atom, json } = await all()
    const single = await text(`/feed/northwind/posts/${job.id}`)
    for (const page of [html, single]) expect(await running(page)).toEqual([])
    const item = list(parsed(rss).rss.channel.item)[0]
    const content = list(item['content:encoded']._cdata).join('')
    expect(await running(content)).toEqual([])
    expect(content.includes('العربية')).toBe(true)
    expect(content.includes('👩‍👩‍👧')).toBe(true)
    expect(list(parsed(atom).feed.entry)).toHaveLength(list(parsed(rss).rss.channel.item).length)
    expect(await running(JSON.parse(json).items[0].content_html)).toEqual([])
    for (const xml of [rss, atom]) expect(xml.includes('\u0001') || xml.includes('\uffff')).toBe(false)
  })

  test('shows an account’s own variant instead of the words for everywhere', async () => {
    const account = await feedOf(house.alice)
    const [mine, everybody] = [await picture(house.alice, 'mine'), await picture(house.alice, 'everybody')]
    const job = await publish(house.alice, {
      text: 'For everywhere, canary.',
      media: [everybody],
      variants: [{ accountId: account, text: 'Only for the feed.', media: [mine] }],
    })
    const page = await text(`/feed/northwind/posts/${job.id}`)
    expect(page.includes('Only for the feed')).toBe(true)
    expect(page.includes('canary')).toBe(false)
    expect((await get(`/feed/northwind/media/${mine}`)).status).toBe(200)
    expect((await get(`/feed/northwind/media/${everybody}`)).status).toBe(404)
  })

  test('goes on page by page, newest first', async () => {
    for (let n = 0; n < 10; n += 1) await publish(house.alice, { text: `Number ${n}.` })
    const seen: string[] = []
    let path: string | undefined = '/feed/northwind'
    for (let pages = 0; path && pages < 10; pages += 1) {
      const page: string = await text(path)
      seen.push(
        ...[...page.matchAll(/<h2[^>]*><a href="[^"]*\/posts\/([0-9a-f-]+)"/g)].map(found => found[1] ?? ''),
      )
      path = /href="[^"]*(\/feed\/northwind\?cursor=[^"]+)"/.exec(page)?.[1]
    }
    const [row] = await house.services.db.owner.unsafe(
      `select count(*)::int as n from ${house.alice.tenant.schema}.publish_jobs where state = 'published'`,
    )
    expect(seen).toHaveLength(row?.n as number)
    expect(new Set(seen).size).toBe(seen.length)
    expect((await get('/feed/northwind?cursor=nonsense')).status).toBe(400)
  })
})

describe('what is not published', () => {
  test('is on no page: drafts, planned and cancelled posts, other accounts, and their pictures', async () => {
    const id = await picture(house.alice, 'private')
    const content = await house.alice.api('POST', '/content', { text: 'Unpublished canary.', media: [id] })
    const at = new Date(Date.now() + 3_600_000).toISOString()
    const planned = await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [await feedOf(house.alice)],
      at,
    })
    const [job] = planned.body.items
    const rehearsal = await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })
    const elsewhere = await house.alice.api('POST', `/content/${content.body.id}/publish-jobs`, {
      accounts: [rehearsal.body.id],
      now: true,
    })
    await worker.idle()
    for (const body of Object.values(await all())) expect(body.includes('Unpublished canary')).toBe(false)
    for (const one of [job.id, elsewhere.body.items[0].id]) {
      const missing = await house.anyone('GET', `/feed/northwind/posts/${one}`)
      expect(missing.status).toBe(404)
      expect(missing.html.includes('There is no such post')).toBe(true)
    }
    expect((await get(`/feed/northwind/media/${id}`)).status).toBe(404)
    await house.alice.api('DELETE', `/publish-jobs/${job.id}`)
    expect((await get(`/feed/northwind/posts/${job.id}`)).status).toBe(404)
    const cookie = (await house.alice.cookie()).replace('masthead', '__Secure-masthead')
    const arrived = await house.alice.page('GET', `/w/northwind/accounts/${rehearsal.body.id}`, undefined, {
      cookie,
    })
    expect(arrived.html.includes('Unpublished canary')).toBe(true)
  })

  test('another workspace’s posts and pictures are not on this one’s feed', async () => {
    const id = await picture(house.alice, 'ours')
    const job = await publish(house.alice, { text: 'Ours.', media: [id] })
    expect((await get(`/feed/southpaw/posts/${job.id}`)).status).toBe(404)
    expect((await get(`/feed/southpaw/media/${id}`)).status).toBe(404)
    expect((await text('/feed/southpaw')).includes('Ours')).toBe(false)
  })

  test.each(['nobody', 'NORTHWIND', "x'--", '%00', 'a'.repeat(200)])(
    'the feed of %j is not there',
    async slug => {
      for (const path of ['', '/rss.xml', '/atom.xml', '/feed.json', '/posts/x', '/media/x'])
        expect((await get(`/feed/${encodeURIComponent(slug)}${path}`)).status).toBe(404)
    },
  )

  test.each(['x', '00000000-0000-7000-8000-000000000000', "1' or 1=1"])(
    'a post or picture called %j is not there',
    async id => {
      expect((await get(`/feed/northwind/posts/${encodeURIComponent(id)}`)).status).toBe(404)
      expect((await get(`/feed/northwind/media/${encodeURIComponent(id)}`)).status).toBe(404)
    },
  )
})

test.each([
  ['Short. And more.', 'Short', 'And more.'],
  ['One line\nand another', 'One line', 'and another'],
  ['Really? Yes.', 'Really?', 'Yes.'],
  ['', '', ''],
  [`${'word '.repeat(40)}end`, `${'word '.repeat(15)}word…`, `${'word '.repeat(40)}end`],
])('%j is set as a headline and the rest', (given, headline, rest) => {
  expect(storyOf(given)).toEqual({ headline, rest })
})
