import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import sharp from 'sharp'
import { type House, openHouse, type PageAnswer, type Person } from './cast.ts'

let house: House
let feed: string
beforeAll(async () => {
  house = await openHouse()
  feed = (await house.alice.api('GET', '/accounts')).body.items[0].id
})
afterAll(() => house.close())

const at = '/w/northwind/content'
const hostile = '<script>alert(1)</script> "q" \'s\' & ‮rtl עברית 👩‍👩‍👧'
const escaped = '&lt;script&gt;alert(1)&lt;/script&gt; &quot;q&quot; &#39;s&#39; &amp; ‮rtl עברית 👩‍👩‍👧'

const make = async (who: Person, body: object): Promise<string> =>
  (await who.api('POST', '/content', body)).body.id
const read = async (id: string) => (await house.alice.api('GET', `/content/${id}`)).body
const jobs = async (id: string) =>
  (await house.alice.api('GET', '/publish-jobs?limit=100')).body.items.filter(
    (job: { contentId: string }) => job.contentId === id,
  )
const idIn = (answer: PageAnswer): string => {
  expect({ status: answer.status, html: answer.html.slice(0, 200) }).toEqual({ status: 303, html: '' })
  return /content\/([\w-]{36})/.exec(answer.location)?.[1] ?? ''
}
/** What stands in a textarea of the page. */
const field = (html: string, name: string): string | undefined =>
  new RegExp(`<textarea[^>]* name="${name.replace('.', '\\.')}"[^>]*>\\n([^<]*)</textarea>`).exec(html)?.[1]
const picture = async (colour: string) =>
  new File(
    [
      new Uint8Array(
        await sharp({ create: { width: 40, height: 30, channels: 3, background: colour } })
          .png()
          .toBuffer(),
      ),
    ],
    `${colour}.png`,
    { type: 'image/png' },
  )

describe('saving by the form', () => {
  test('a new post, with hostile words, comes back as typed', async () => {
    const saved = await house.ann.page('POST', `${at}/new`, {
      text: hostile,
      tags: '#Autumn, roast,, autumn',
      version: '',
    })
    const id = idIn(saved)
    expect(await read(id)).toMatchObject({ text: hostile, tags: ['autumn', 'roast'], version: 1 })
    const { html } = await house.ann.page('GET', `${at}/${id}`)
    expect(html).toContain(escaped)
    expect(html).not.toContain('<script>alert')
    expect((await house.cora.page('GET', `${at}/${id}`)).html).not.toContain('<script>alert')
  })

  test('the first line break stays', async () => {
    const id = idIn(await house.ann.page('POST', `${at}/new`, { text: '\r\nBelow.' }))
    expect((await read(id)).text).toBe('\nBelow.')
    expect(field((await house.ann.page('GET', `${at}/${id}`)).html, 'text')).toBe('\nBelow.')
  })

  test('a rejected form comes back filled in, with its messages', async () => {
    const { status, html } = await house.bob.page('POST', `${at}/new`, {
      text: ' ',
      tags: `fine, ${'x'.repeat(41)}`,
      [`words.${feed}`]: `own ${hostile}`,
      accounts: [feed],
      local: '2026-12-24T18:00',
      zone: 'America/New_York',
    })
    expect(status).toBe(422)
    expect(html).toContain('This is a tag longer than 40 characters')
    expect(html).toContain(`fine, ${'x'.repeat(41)}`)
    expect(field(html, `words.${feed}`)).toBe(`own ${escaped}`)
    expect(html).toContain('value="2026-12-24T18:00"')
    expect(html).toMatch(/<option value="America\/New_York" selected/)
    const empty = await house.ann.page('POST', `${at}/new`, { text: ' ', tags: 'fine' })
    expect(empty.status).toBe(422)
    expect(empty.html).toContain('Write some words or add a picture')
  })

  test('own words for one account, and back to the same', async () => {
    const id = await make(house.ann, { text: 'Long words.' })
    idIn(
      await house.ann.page('POST', `${at}/${id}`, {
        version: '1',
        text: 'Long words.',
        [`words.${feed}`]: 'Short.',
      }),
    )
    expect(await read(id)).toMatchObject({
      version: 2,
      variants: [{ accountId: feed, text: 'Short.', media: null }],
    })
    expect(field((await house.ann.page('GET', `${at}/${id}`)).html, `words.${feed}`)).toBe('Short.')
    idIn(
      await house.ann.page('POST', `${at}/${id}`, {
        version: '2',
        text: 'Long words.',
        [`words.${feed}`]: ' ',
      }),
    )
    expect(await read(id)).toMatchObject({ version: 3, variants: [] })
  })

  test('words for an account that was taken away since stay as they are', async () => {
    const away = await house.alice.api('POST', '/accounts', { platform: 'rehearsal', settings: {} })
    const variants = [{ accountId: away.body.id, text: 'Kept words.' }]
    const id = await make(house.ann, { text: 'Before.', variants })
    expect((await house.alice.api('DELETE', `/accounts/${away.body.id}`)).status).toBeLessThan(300)
    idIn(await house.ann.page('POST', `${at}/${id}`, { version: '1', text: 'After.', [`words.${feed}`]: '' }))
    expect(await read(id)).toMatchObject({ version: 2, text: 'After.', variants })
  })

  test('a version saved in between is told, and nothing typed is lost', async () => {
    const id = await make(house.ann, { text: 'Base.' })
    await house.bob.api('PATCH', `/content/${id}`, { text: 'Bob’s words.' })
    const { status, html } = await house.ann.page('POST', `${at}/${id}`, {
      version: '1',
      text: 'Ann’s words.',
    })
    expect(status).toBe(422)
    expect(html).toContain('Bob saved version 2 while you wrote')
    expect(field(html, 'text')).toBe('Ann’s words.')
    expect((await read(id)).text).toBe('Bob’s words.')
    const shown = /name="version" value="(\d+)"/.exec(html)?.[1] ?? ''
    idIn(await house.ann.page('POST', `${at}/${id}`, { version: shown, text: 'Ann’s words.' }))
    expect(await read(id)).toMatchObject({ text: 'Ann’s words.', version: 3 })
  })

  test('saving and sending to review is one step', async () => {
    const id = idIn(await house.ann.page('POST', `${at}/new/submission`, { text: 'Please look.' }))
    expect(await read(id)).toMatchObject({ state: 'in_review', version: 1 })
    const again = await house.ann.page('POST', `${at}/${id}/submission`, { text: 'Changed.', version: '1' })
    expect(again.status).toBe(422)
    expect(field(again.html, 'text')).toBe('Changed.')
    expect((await read(id)).text).toBe('Please look.')
  })
})

describe('the private draft', () => {
  test('what is typed is kept for oneself, shown again, and never a version', async () => {
    const id = await make(house.ann, { text: 'Saved.' })
    const kept = await house.ann.page('POST', `${at}/${id}/draft`, {
      version: '1',
      text: `Half ${hostile}`,
      accounts: feed,
    })
    expect(kept.status).toBe(200)
    expect(kept.html).toContain('Kept for you at')
    expect(kept.html).toContain(escaped)
    expect(await read(id)).toMatchObject({ text: 'Saved.', version: 1 })
    const { html } = await house.ann.page('GET', `${at}/${id}`)
    expect(html).toContain('These words are not saved yet')
    expect(field(html, 'text')).toBe(`Half ${escaped}`)
    expect((await house.bob.page('GET', `${at}/${id}`)).html).not.toContain('Half')
    idIn(await house.ann.page('POST', `${at}/${id}/draft/removal`))
    expect(field((await house.ann.page('GET', `${at}/${id}`)).html, 'text')).toBe('Saved.')
  })

  test('a new post’s draft waits until it is saved', async () => {
    await house.bob.page('POST', `${at}/new/draft`, { text: 'Begun.', tags: 'x' })
    expect(field((await house.bob.page('GET', `${at}/new`)).html, 'text')).toBe('Begun.')
    expect((await house.bob.page('GET', at)).html).toContain('You began a new post and did not save it')
    idIn(await house.bob.page('POST', `${at}/new`, { text: 'Begun and done.' }))
    expect(field((await house.bob.page('GET', `${at}/new`)).html, 'text')).toBe('')
  })

  test('a save forgets the draft but not where it is to go', async () => {
    const form = { text: 'To the feed.', accounts: feed, local: '2026-12-24T18:00', zone: 'Europe/Berlin' }
    const id = idIn(await house.bob.page('POST', `${at}/new`, form))
    const { html } = await house.bob.page('GET', `${at}/${id}`)
    expect(html).not.toContain('These words are not saved yet')
    expect(html).toContain('value="2026-12-24T18:00"')
    expect(html).toMatch(new RegExp(`name="accounts" value="${feed}" checked`))
  })

  test('a refusal is a sentence in place of the time, never a page', async () => {
    const refused = await house.cora.page('POST', `${at}/new/draft`, { text: 'x' })
    expect(refused.status).toBe(422)
    expect(refused.html).toStartWith('<span')
    expect((await house.dan.page('POST', '/w/southpaw/content/not-there/draft', { text: 'x' })).status).toBe(
      422,
    )
  })
})

describe('pictures', () => {
  test('are uploaded into the draft, described, arranged and saved', async () => {
    const id = await make(house.ann, { text: 'With pictures.' })
    const form = new FormData()
    form.append('version', '1')
    form.append('text', 'With two pictures.')
    form.append('_pictures', await picture('red'))
    form.append('_pictures', await picture('blue'))
    const sent = await house.ann.page('POST', `${at}/${id}/pictures`, form)
    expect(sent.status).toBe(303)
    expect(await read(id)).toMatchObject({ version: 1, media: [] })
    const { html } = await house.ann.page('GET', `${at}/${id}`)
    expect(field(html, 'text')).toBe('With two pictures.')
    const [red = '', blue = ''] = (/name="_offered" value="([^"]*)"/.exec(html)?.[1] ?? '').split(' ')
    const typed = {
      version: '1',
      text: 'With two pictures.',
      media: [red, blue],
      [`alt.${red}`]: `Red ${hostile}`,
    }
    await house.ann.page('POST', `${at}/${id}/arrangement`, { ...typed, _earlier: blue })
    const arranged = (await house.ann.page('GET', `${at}/${id}`)).html
    expect(/name="_offered" value="([^"]*)"/.exec(arranged)?.[1]).toBe(`${blue} ${red}`)
    expect(arranged).toContain(`Red ${escaped}`)
    const saved = await house.ann.page('POST', `${at}/${id}`, {
      ...typed,
      media: [blue, red],
      _offered: `${blue} ${red}`,
      [`words.${feed}`]: '',
      [`pictures.${feed}`]: ['', red],
    })
    idIn(saved)
    expect(await read(id)).toMatchObject({
      version: 2,
      media: [blue, red],
      variants: [{ accountId: feed, text: null, media: [red] }],
    })
    expect((await house.ann.api('GET', `/media/${red}`)).body.alt).toBe(`Red ${hostile}`)
    idIn(
      await house.ann.page('POST', `${at}/${id}`, {
        version: '2',
        text: 'With one.',
        media: red,
        _offered: `${blue} ${red}`,
      }),
    )
    expect((await read(id)).media).toEqual([red])
  })

  test('what is no picture is refused beside the field, with everything else kept', async () => {
    const form = new FormData()
    form.append('text', `Typed ${hostile}`)
    form.append('_pictures', new File(['<svg onload=alert(1)>'], 'x.png', { type: 'image/png' }))
    const { status, html } = await house.ann.page('POST', `${at}/new/pictures`, form)
    expect(status).toBe(422)
    expect(field(html, 'text')).toBe(`Typed ${escaped}`)
    expect(html).toContain('href="#f-_pictures"')
    const none = new FormData()
    none.append('text', 'x')
    expect((await house.ann.page('POST', `${at}/new/pictures`, none)).html).toContain(
      'Choose a picture first',
    )
  })
})

describe('planning', () => {
  const plan = (more: object) => ({
    accounts: feed,
    when: 'at',
    local: '2027-03-01T09:00',
    zone: 'Europe/Berlin',
    ...more,
  })

  test('saves what was typed and plans it in one go', async () => {
    const id = await make(house.ann, { text: 'Before.' })
    const done = await house.bob.page(
      'POST',
      `${at}/${id}/publish-jobs`,
      plan({ version: '1', text: 'After.' }),
    )
    expect(idIn(done)).toBe(id)
    expect(await read(id)).toMatchObject({ text: 'After.', version: 2 })
    expect(await jobs(id)).toMatchObject([
      { state: 'scheduled', local: '2027-03-01T09:00', zone: 'Europe/Berlin' },
    ])
    const { html } = await house.bob.page('GET', `${at}/${id}`)
    expect(html).toContain('Where it goes')
    expect(html).toContain(`/w/northwind/publish-jobs/${(await jobs(id))[0].id}`)
  })

  test('a new post can be planned at once, or go out now', async () => {
    const id = idIn(await house.bob.page('POST', `${at}/new/publish-jobs`, plan({ text: 'Straight away.' })))
    expect(await jobs(id)).toHaveLength(1)
    const now = await house.bob.page('POST', `${at}/new/publish-jobs`, {
      accounts: feed,
      when: 'now',
      text: 'Now.',
    })
    expect(now.location).toMatch(/^\/w\/northwind\/publish-jobs\//)
  })

  test('a time that cannot be loses nothing', async () => {
    const id = await make(house.ann, { text: 'Before.' })
    const send = (more: object) =>
      house.bob.page('POST', `${at}/${id}/publish-jobs`, plan({ version: '1', text: 'Typed.', ...more }))
    for (const [more, words] of [
      [{ local: '2020-01-01T09:00' }, 'has passed'],
      [{ local: '2027-03-28T02:30' }, 'does not exist in Europe/Berlin'],
      [{ local: '' }, 'Choose a day and a time'],
      [{ zone: 'Mars/Olympus' }, 'is not a time zone'],
      [{ accounts: [] }, 'Choose at least one account'],
      [{ when: 'later' }, 'choose a time, the next free slot, or now'],
    ] as const) {
      const { status, html } = await send(more)
      expect({ words, status, told: html.includes(words) }).toEqual({ words, status: 422, told: true })
      expect(field(html, 'text')).toBe('Typed.')
    }
    expect(await read(id)).toMatchObject({ text: 'Before.', version: 1 })
    expect(await jobs(id)).toEqual([])
  })

  test('an hour that happens twice is asked about', async () => {
    const id = await make(house.ann, { text: 'Twice.' })
    const form = plan({ version: '1', text: 'Twice.', local: '2027-10-31T02:30' })
    const asked = await house.bob.page('POST', `${at}/${id}/publish-jobs`, form)
    expect(asked.status).toBe(422)
    expect(asked.html).toMatch(/<input type="radio" name="fold" value="second"/)
    idIn(await house.bob.page('POST', `${at}/${id}/publish-jobs`, { ...form, fold: 'second' }))
    expect((await jobs(id))[0].runAt).toBe('2027-10-31T02:30:00+01:00')
  })
})

describe('the review', () => {
  test('cards carry the answer; the longest waiting stands first', async () => {
    const first = await make(house.ann, { text: `First ${hostile}` })
    const second = await make(house.bob, { text: 'Second in line.' })
    await house.ann.api('POST', `/content/${first}/submission`)
    await house.bob.api('POST', `/content/${second}/submission`)
    const { html } = await house.cora.page('GET', '/w/northwind/review')
    expect(html).not.toContain('<script>alert')
    expect(html.indexOf(`piece-${first}`)).toBeLessThan(html.indexOf(`piece-${second}`))
    expect(html).toContain(`action="/w/northwind/content/${first}/approval"`)
    const bobs = (await house.bob.page('GET', '/w/northwind/review')).html
    expect(bobs).not.toContain(`action="/w/northwind/content/${second}/approval"`)
    expect(bobs).toContain('You wrote this yourself')
    expect((await house.ann.page('GET', '/w/northwind/review')).html).not.toContain('/approval"')
    const done = await house.cora.page('POST', `${at}/${first}/approval`, { version: '1', _at: 'review' })
    expect(done.location).toBe('/w/northwind/review')
    expect((await read(first)).state).toBe('approved')
  })

  test('a note is kept when it cannot be taken', async () => {
    const id = await make(house.ann, { text: 'Note.' })
    await house.ann.api('POST', `/content/${id}/submission`)
    const long = 'x'.repeat(10_001)
    for (const _at of ['review', 'piece']) {
      const { status, html } = await house.cora.page('POST', `${at}/${id}/change-request`, {
        note: long,
        _at,
      })
      expect(status).toBe(422)
      expect(html.includes(`\n${long}</textarea>`)).toBe(true)
    }
    await house.cora.page('POST', `${at}/${id}/change-request`, { note: `Warmer ${hostile}` })
    expect((await read(id)).state).toBe('changes_requested')
    const { html } = await house.ann.page('GET', `${at}/${id}`)
    expect(html).toContain('Cora asks for changes')
    expect(html).toContain(`Warmer ${escaped}`)
  })

  test('an approval of another version than the one looked at is told', async () => {
    const id = await make(house.ann, { text: 'One.' })
    await house.ann.api('POST', `/content/${id}/submission`)
    await house.ann.api('PATCH', `/content/${id}`, { text: 'Two.' })
    const late = await house.cora.page('POST', `${at}/${id}/approval`, { version: '1' })
    expect(decodeURIComponent(late.headers.get('set-cookie') ?? '')).toContain('bad.Ann saved version 2')
    expect((await read(id)).state).toBe('in_review')
  })
})

describe('history, comments and the list', () => {
  test('the history marks what was put in and taken out; an old version can come back', async () => {
    const id = await make(house.ann, { text: 'Fig and cedar.' })
    await house.bob.api('PATCH', `/content/${id}`, { text: 'Fig and <b>smoke</b>.' })
    const { html } = await house.cora.page('GET', `${at}/${id}/versions`)
    expect(html).toContain('<del>cedar</del>')
    expect(html).toContain('<ins>&lt;b&gt;smoke&lt;/b&gt;</ins>')
    expect((await house.cora.page('POST', `${at}/${id}/versions/1/return`)).status).toBe(403)
    idIn(await house.ann.page('POST', `${at}/${id}/versions/1/return`))
    expect(await read(id)).toMatchObject({ text: 'Fig and cedar.', version: 3 })
    for (const number of ['9', '0', '-1', 'x', '99999999999'])
      expect((await house.ann.page('POST', `${at}/${id}/versions/${number}/return`)).status).toBe(404)
  })

  test('comments by the form', async () => {
    const id = await make(house.ann, { text: 'Talk.' })
    const said = await house.cora.page('POST', `${at}/${id}/comments`, { text: hostile })
    expect(said.location).toContain(`/content/${id}#comment-`)
    expect((await house.ann.page('GET', `${at}/${id}`)).html).toContain(escaped)
    expect((await house.cora.page('POST', `${at}/${id}/comments`, { text: ' ' })).status).toBe(422)
    const long = 'y'.repeat(10_001)
    expect((await house.cora.page('POST', `${at}/${id}/comments`, { text: long })).html).toContain(long)
  })

  test('the list has its views, its search and its empty state', async () => {
    expect((await house.dan.page('GET', '/w/southpaw/content')).html).toContain('Write the first post')
    const id = await make(house.ann, { text: 'Findable needle.', tags: ['<i>hay'] })
    const found = await house.ann.page('GET', `${at}?q=needle&tag=${encodeURIComponent('<i>hay')}`)
    expect(found.html).toContain(id)
    expect(found.html).not.toContain('><i>hay')
    expect((await house.ann.page('GET', `${at}?q=nowhere-at-all`)).html).toContain('Nothing here')
    for (const query of [
      'state=planned',
      'state=published',
      'state=archived',
      'state=lost',
      'cursor=zzz',
      'q=a&q=b',
    ])
      expect((await house.ann.page('GET', `${at}?${query}`)).status).toBe(200)
  })

  test('archive and back', async () => {
    const id = await make(house.ann, { text: 'Put away.' })
    await house.ann.page('POST', `${at}/${id}/archive`)
    const { html } = await house.ann.page('GET', `${at}/${id}`)
    expect(html).toContain('This is in the archive')
    expect(html).not.toContain('id="composer"')
    await house.ann.page('POST', `${at}/${id}/restoration`)
    expect((await read(id)).state).toBe('draft')
  })
})

describe('who may, through the pages', () => {
  // On Ann's submitted piece: [new, save, publish, upload, draft, copy, archive, comment, take back, approve, ask]
  const table = {
    alice: [200, 303, 303, 303, 200, 303, 303, 303, 303, 303, 303],
    bob: [200, 303, 303, 303, 200, 303, 303, 303, 303, 303, 303],
    cora: [403, 403, 403, 403, 422, 403, 403, 303, 403, 303, 303],
    ann: [200, 303, 403, 303, 200, 303, 303, 303, 303, 403, 403],
    dan: [200, 404, 404, 404, 422, 404, 404, 404, 404, 404, 404],
  } as const
  for (const [name, expected] of Object.entries(table))
    test(name, async () => {
      const who = house[name as keyof typeof table]
      const base = `/w/${who.tenant.slug}/content`
      const waiting = async () => {
        const id = await make(house.ann, { text: 'Roles.' })
        await house.ann.api('POST', `/content/${id}/submission`)
        return id
      }
      const upload = new FormData()
      upload.append('text', 'x')
      upload.append('_pictures', await picture('green'))
      const got = [(await who.page('GET', `${base}/new`)).status]
      for (const [path, form] of [
        ['', { text: 'y' }],
        ['/publish-jobs', { text: 'y', accounts: feed, when: 'now' }],
        ['/pictures', upload],
        ['/draft', { text: 'y' }],
        ['/copies', {}],
        ['/archive', {}],
        ['/comments', { text: 'y' }],
        ['/submission/removal', {}],
        ['/approval', {}],
        ['/change-request', { note: 'y' }],
      ] as const)
        got.push((await who.page('POST', `${base}/${await waiting()}${path}`, form)).status)
      expect(got).toEqual([...expected])
    })

  test('an outsider sees nothing of it', async () => {
    const id = await make(house.ann, { text: 'Ours alone.' })
    for (const path of ['', '/versions'])
      expect((await house.dan.page('GET', `/w/southpaw/content/${id}${path}`)).status).toBe(404)
    for (const path of [
      '/draft/removal',
      '/arrangement',
      '/restoration',
      '/versions/1/return',
      '/approval/removal',
      '/submission',
    ])
      expect((await house.dan.page('POST', `/w/southpaw/content/${id}${path}`, { text: 'x' })).status).toBe(
        404,
      )
    expect((await read(id)).text).toBe('Ours alone.')
  })
})
