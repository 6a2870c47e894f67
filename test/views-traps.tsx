/**
 * Ways in which a view can print what somebody typed. Each is a real view function; the test prints it with hostile
 * text and reads the page as a browser would.
 */
import { type Html, safeUrl } from '../views/html.ts'
import type { Child } from '../views/jsx-runtime.ts'

interface BoxProps {
  children?: Child
  title?: string
}
const Box = ({ children, title }: BoxProps) => (
  <section class="box" title={title}>
    {children}
  </section>
)
const Passes = (props: BoxProps) => <Box {...props} />
const Nothing = () => null
const Bare = ({ children }: BoxProps) => <>{children}</>
const Twice = ({ text }: { text: string }) => (
  <>
    {text}
    <Bare>{text}</Bare>
  </>
)
const isLong = (text: string) => text.length > 0

/** Hostile text as a child: the page may show it, and nothing but `allowed` may be an element. */
export const asText: Record<string, (typed: string) => Html> = {
  'a child': typed => <p>{typed}</p>,
  'children as an attribute': typed => <p children={typed} />,
  'children spread': typed => <p {...{ children: typed }} />,
  'children spread into a component': typed => <Box {...{ children: typed }} />,
  'children handed on': typed => <Passes>{typed}</Passes>,
  'the then-branch': typed => <p>{isLong(typed) ? typed : 'short'}</p>,
  'the else-branch': typed => <p>{isLong(typed) ? <b>{typed}</b> : typed}</p>,
  and: typed => <p>{isLong(typed) && typed}</p>,
  or: typed => <p>{typed || 'nothing'}</p>,
  nullish: typed => <p>{typed ?? 'nothing'}</p>,
  'an array': typed => <p>{[typed, typed]}</p>,
  'nested arrays': typed => <p>{[[typed], [[typed, null, false, [typed]]]]}</p>,
  'a map': typed => (
    <ul>
      {[typed].map(item => (
        <li>{item}</li>
      ))}
    </ul>
  ),
  'a map without an element': typed => <ul>{[typed].map(item => item)}</ul>,
  'a template string': typed => <p>{`said: ${typed}`}</p>,
  'a sum': typed => <p>{`a ${typed}`.concat(typed)}</p>,
  'a call': typed => <p>{(() => typed)()}</p>,
  'a name that sounds safe': safe => <p>{safe}</p>,
  'a field that sounds safe': typed => <p>{{ safeHtml: typed }.safeHtml}</p>,
  'the attribute safe': typed => <p {...{ safe: true }}>{typed}</p>,
  'the attribute of': typed => <p {...{ of: typed }}>x</p>,
  'the attribute attrs': typed => <p {...{ attrs: typed }}>x</p>,
  'attrs as an object': typed => <p {...{ attrs: { title: typed } }}>x</p>,
  dangerouslySetInnerHTML: typed => <p {...{ dangerouslySetInnerHTML: typed }}>x</p>,
  'a fragment': typed => <>{typed}</>,
  'fragments in fragments': typed => <Twice text={typed} />,
  'a string that looks like markup made by us': typed => <p>{(<i>x</i>).markup + typed}</p>,
  'markup beside text': typed => (
    <p>
      <Nothing />
      {typed}
      <br />
      {typed}
    </p>
  ),
  'a title': typed => <title>{typed}</title>,
  'a textarea': typed => <textarea name="text">{typed}</textarea>,
  'an option': typed => (
    <select>
      <option value={typed}>{typed}</option>
    </select>
  ),
  'a key of a record': typed => <p>{Object.keys({ [typed]: 1 })}</p>,
  JSON: typed => <p>{JSON.stringify({ typed })}</p>,
  'a void element': typed => <input {...{ children: typed }} />,
}

/** Hostile text as the value of an attribute. */
export const asAttribute: Record<string, (typed: string) => Html> = {
  value: typed => <input name="text" value={typed} />,
  title: typed => <p title={typed}>x</p>,
  class: typed => <p class={typed}>x</p>,
  'a class list': typed => <p class={['a', typed, false]}>x</p>,
  className: typed => <p {...{ className: typed }}>x</p>,
  style: typed => <p {...{ style: typed }}>x</p>,
  'style as an object': typed => <p {...{ style: { color: typed } }}>x</p>,
  'data-': typed => <p data-text={typed}>x</p>,
  'aria-': typed => <nav aria-label={typed}>x</nav>,
  'hx-get': typed => (
    <button type="button" hx-get={typed}>
      x
    </button>
  ),
  'of a component': typed => <Box title={typed}>x</Box>,
  'an object with a text of its own': typed => <p {...{ title: { toString: () => typed } as never }}>x</p>,
  'an array': typed => <p {...{ title: [typed] as never }}>x</p>,
  alt: typed => <img src="/x.png" alt={typed} />,
  href: typed => <a href={safeUrl(typed)}>x</a>,
}

/** Values that no view may print, because they would show as `[object Object]` or worse. */
export const unprintable: Record<string, () => Html> = {
  'an object': () => <p>{{ markup: '<b>' } as unknown as Child}</p>,
  'an object with a text of its own': () => <p>{{ toString: () => '<b>' } as unknown as Child}</p>,
  'a promise': () => <p>{Promise.resolve('<b>') as unknown as Child}</p>,
  'a date': () => <p>{new Date(0) as unknown as Child}</p>,
  'a function': () => <p>{(() => '<b>') as unknown as Child}</p>,
  'a symbol': () => <p>{Symbol('b') as unknown as Child}</p>,
  'a set': () => <p>{new Set(['<b>']) as unknown as Child}</p>,
  'a String object': () => <p>{new String('<b>') as unknown as Child}</p>,
  'an inline script': () => <script>{'alert(1)'}</script>,
  'an inline style': () => <style>{'p { color: red }'}</style>,
}
