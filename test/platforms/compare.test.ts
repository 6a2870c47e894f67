import { expect, test } from 'bun:test'
import { compare } from '../../src/platforms/compare.ts'
import type { Seen } from '../../src/platforms/platform.ts'

const seen = (text: string, images: Seen['images'] = []): Seen => ({ text, images, notes: [] })
const of = (sent: string, there: string) =>
  compare({ text: sent, images: [] }, seen(there)).map(({ kind, words }) => `${kind}: ${words}`)

test.each([
  ['Just so', 'Just so', []],
  [
    'Two  spaces\n\nand lines ',
    'Two spaces\nand lines',
    ['explained: Line breaks and spaces are set otherwise there.'],
  ],
  ['Hi @ada@example.org!', 'Hi @ada!', ['explained: Mentions are shown without their server there.']],
  [
    'See https://www.example.org/a/long/path now',
    'See example.org/a/lo… now',
    ['explained: A link is shown shortened there.'],
  ],
  [
    'See https://example.org/a now',
    'See https://evil.example/a now',
    ['different: The words there are not those that were sent.'],
  ],
  ['A text that is long', 'A text that…', ['different: The words are cut off there.']],
  ['Words', '', ['different: There are no words there.']],
  ['Ten at noon', 'Ten at ten', ['different: The words there are not those that were sent.']],
])('%j there as %j', (sent, there, findings) => expect(of(sent, there)).toEqual(findings))

test('pictures and their alt texts', () => {
  const sent = { text: '', images: [{ alt: 'A long alt text' }, { alt: 'Second' }] }
  expect(compare(sent, seen('', [{ alt: 'A long alt text', picture: 'sent' }]))).toEqual([
    { kind: 'different', words: '2 pictures were sent, 1 is there.' },
  ])
  expect(
    compare(
      sent,
      seen('', [
        { alt: 'A long…', picture: 'reencoded' },
        { alt: 'Another', picture: 'other' },
      ]),
    ),
  ).toEqual([
    { kind: 'different', words: 'Picture 2 is not the one that was sent.' },
    { kind: 'explained', words: 'A picture was written anew on the way.' },
    { kind: 'explained', words: 'The alt text of picture 1 is cut off there.' },
    { kind: 'different', words: 'The alt text of picture 2 is another one there.' },
  ])
})
