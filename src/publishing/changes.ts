import { compareWords, countedWords } from '../content/diff.ts'
import { platforms } from '../platforms/index.ts'
import type { PlatformId } from '../platforms/platform.ts'
import { readPayload } from './payload.ts'
import type { DraftImage, PostDraft } from './post.ts'

/** The longest alt text that is told in full. */
const mostShown = 80

/**
 * What one payload says otherwise than another, each as the rest of "Since then …": `2 words were added`, `the alt text of
 * picture 1 is now “A cup”, it was “Cup”`. Empty when they are the same.
 */
export function changesBetween(before: string, after: string): string[] {
  if (before === after) return []
  const [was, is] = [readPayload(before), readPayload(after)]
  const changes = [
    ...(was.form === is.form ? [] : [formWords(is.form)]),
    ...textChange(was.post.text, is.post.text),
    ...pictureChanges(was.post.images, is.post.images),
    ...otherChanges(was.post, is.post),
    ...(Bun.deepEquals(was.post.window, is.post.window) ? [] : ['the time that it may go out in changed']),
  ]
  return changes.length > 0 ? changes : ['something about it is no longer the same']
}

function formWords(form: string | null): string {
  const id = form?.split('/')[0] as PlatformId | undefined
  return `an update of Masthead makes posts for ${id ? platforms[id].name : 'this account'} in another way`
}

function textChange(was: string, is: string): string[] {
  if (was === is) return []
  return [`the words changed: ${countedWords(compareWords(was, is))}`]
}

function pictureChanges(was: readonly DraftImage[], is: readonly DraftImage[]): string[] {
  const place = (id: string) => is.findIndex(image => image.id === id)
  const gone = was.filter(({ id }) => place(id) < 0).length
  const fresh = is.filter(({ id }) => !was.some(image => image.id === id)).length
  const both = was.filter(({ id }) => place(id) >= 0)
  const moved = both.some(({ id }, at) => at > 0 && place(id) < place(both[at - 1]?.id ?? ''))
  return [
    ...(fresh > 0 ? [`${pictures(fresh)} added`] : []),
    ...(gone > 0 ? [`${pictures(gone)} taken out`] : []),
    ...(moved ? ['the pictures are in another order'] : []),
    ...both.flatMap(image => {
      const at = place(image.id)
      const now = is[at]
      return now ? imageChanges(image, now, at + 1) : []
    }),
  ]
}

function imageChanges(was: DraftImage, is: DraftImage, number: number): string[] {
  return [
    ...(was.alt === is.alt
      ? []
      : [`the alt text of picture ${number} is now ${quoted(is.alt)}, it was ${quoted(was.alt)}`]),
    ...(was.sha256 === is.sha256 ? [] : [`picture ${number} is another file`]),
    ...(is.removed && !was.removed ? [`picture ${number} was taken out of the library`] : []),
  ]
}

/** Whatever else a post carries, by its name: `firstComment` → `the first comment changed`. */
function otherChanges(was: PostDraft & Record<string, unknown>, is: PostDraft & Record<string, unknown>) {
  const names = new Set([...Object.keys(was), ...Object.keys(is)])
  return [...names]
    .filter(name => name !== 'text' && name !== 'images' && name !== 'window')
    .filter(name => !Bun.deepEquals(was[name], is[name]))
    .map(name => `the ${name.replace(/[A-Z]/g, letter => ` ${letter.toLowerCase()}`)} changed`)
}

const pictures = (count: number) => (count === 1 ? 'one picture was' : `${count} pictures were`)

function quoted(alt: string): string {
  if (alt === '') return 'empty'
  const characters = [...alt]
  return characters.length > mostShown ? `“${characters.slice(0, mostShown).join('')}…”` : `“${alt}”`
}
