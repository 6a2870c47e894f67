/** Counting as the platforms count, and finding links, mentions and tags by their bytes. */
import { describe, expect, test } from 'bun:test'
import fc from 'fast-check'
import { countText, findFacets, type TextLimits, utf8Length } from '../src/lib/text.ts'

const bluesky: TextLimits = { max: 300, count: 'graphemes', maxBytes: 3000 }
const mastodon: TextLimits = { max: 500, count: 'mastodon', linkLength: 23 }

describe('counting', () => {
  test.each([
    ['', 0, 0],
    ['hello', 5, 5],
    ['äöü', 3, 6],
    ['e\u0301', 1, 3],
    ['👩‍👩‍👧‍👦', 1, 25],
    ['🇩🇪🇫🇷', 2, 16],
    ['👍🏽', 1, 8],
    ['नमस्ते', 3, 18],
    ['日本語', 3, 9],
    ['a\r\nb', 3, 4],
  ])('%p has %d graphemes and %d bytes', (text, count, bytes) => {
    expect(countText(text, bluesky)).toEqual({ count, max: 300, bytes, over: 0 })
  })

  test('says how much is too much, in characters or else in bytes', () => {
    expect(countText('x'.repeat(310), bluesky).over).toBe(10)
    expect(countText('👩‍👩‍👧‍👦'.repeat(150), bluesky)).toEqual({
      count: 150,
      max: 300,
      bytes: 3750,
      over: 750,
    })
    expect(countText('👍🏽', { max: 1, count: 'characters' })).toEqual({ count: 2, max: 1, over: 1 })
  })

  test.each([
    ['see https://example.com/a/very/long/path/that/goes/on/and/on?x=1#y', 4 + 23],
    ['http://a.de', 23],
    ['(https://example.com/x).', 1 + 23 + 2],
    ['https://en.wikipedia.org/wiki/Rust_(language)', 23],
    ['https://example.com.', 23 + 1],
    ['https://example.com/日本', 23 + 2],
    ['https://localhost:3000/abcdefghijklmnopqrstuvwxyz', 49],
    ['example.com/abc', 15],
    ['hi @ada@mastodon.example!', 8],
    ['@ada', 4],
    ['ada@mastodon.example', 20],
    ['@a@b.c @d@e.f', 13 - 4 - 4],
    ['https://example.com/@ada@mastodon.example', 23],
    ['#tag 👩‍👩‍👧‍👦', 6],
  ])('mastodon counts %p as %d', (text, count) => expect(countText(text, mastodon).count).toBe(count))
})

describe('facets', () => {
  const slice = (text: string, start: number, end: number) =>
    new TextDecoder().decode(new TextEncoder().encode(text).slice(start, end))

  test('have byte offsets that cut out exactly the marked part', () => {
    const text = '👋 grüß @ada.bsky.social: https://exämple.com/ü?q=(1) #Café, (https://x.org/a) #1 #t2!'
    const found = findFacets(text).map(facet => [
      facet.kind,
      slice(text, facet.start, facet.end),
      facet.value,
    ])
    expect(found).toEqual([
      ['mention', '@ada.bsky.social', 'ada.bsky.social'],
      ['link', 'https://exämple.com/ü?q=(1)', 'https://exämple.com/ü?q=(1)'],
      ['tag', '#Café', 'Café'],
      ['link', 'https://x.org/a', 'https://x.org/a'],
      ['tag', '#t2', 't2'],
    ])
  })

  test.each([
    'mail ada@example.com',
    '@ada',
    'a#b',
    '#123',
    '#️⃣',
    'https://',
    'javascript:alert(1)',
    '#',
    `#${'x'.repeat(65)}`,
  ])('%p has none', text => expect(findFacets(text)).toEqual([]))

  test('a link keeps its fragment and an @ in its path to itself', () => {
    expect(findFacets('https://example.com/@ada.example.com#top #top').map(facet => facet.kind)).toEqual([
      'link',
      'tag',
    ])
  })

  test('never overlap and stay inside, whatever the text', () => {
    const pieces = fc.constantFrom(
      '#',
      '@',
      'https://a.bc',
      '/',
      '.',
      ')',
      '(',
      ' ',
      'ä',
      '👍🏽',
      'a.b',
      'xyz',
      '\n',
      '\u202e',
      '\0',
    )
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ unit: 'grapheme' }))), parts => {
        const text = parts.join('')
        let free = 0
        for (const { start, end } of findFacets(text)) {
          expect(start).toBeGreaterThanOrEqual(free)
          expect(end).toBeGreaterThan(start)
          free = end
        }
        expect(free).toBeLessThanOrEqual(utf8Length(text))
      }),
    )
  })

  test('hostile text costs no noticeable time', () => {
    const began = performance.now()
    for (const piece of [
      'https://a.',
      '@a.',
      '#a',
      '((((',
      'a@b.',
      'https://a.bc/).).)',
      '@a@a.',
      '-_-.',
      'a.-',
    ]) {
      const text = piece.repeat(Math.ceil(100_000 / piece.length))
      findFacets(text)
      countText(text, mastodon)
    }
    expect(performance.now() - began).toBeLessThan(4000)
  })

  test('the file needs nothing but the language: it runs in the browser as it is', async () => {
    const built = await Bun.build({
      entrypoints: [`${import.meta.dir}/../src/lib/text.ts`],
      target: 'browser',
    })
    const code = (await built.outputs[0]?.text()) ?? ''
    expect(code).not.toMatch(/\bimport\b|require\(|\bBun\b|\bprocess\b|\bBuffer\b/)
  })
})
