/**
 * The JSX runtime of the views. Text and attributes are escaped by default; only `Html` values pass as they are.
 * Attribute rendering and the element types are those of `@kitajs/html`, which `@elysiajs/html` is built on; its own
 * runtime leaves children unescaped and its scanner misses cases (measured with 4.2.13 and 4.1.4).
 */
import { attributesToString, isVoidElement } from '@kitajs/html'
import type { Elements, Tag } from './elements.ts'
import { Html } from './html.ts'

export type Child = Html | string | number | bigint | boolean | null | undefined | readonly Child[]

type Props = Record<string, unknown> & { children?: Child }
type Component = (props: Props) => Html | null

const special = /[&<>"']/
const entities: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

export function escapeText(text: string): string {
  if (!special.test(text)) return text
  return text.replace(/[&<>"']/g, character => entities[character] ?? character)
}

function render(child: unknown): string {
  if (child === null || child === undefined || typeof child === 'boolean') return ''
  if (child instanceof Html) return child.markup
  if (Array.isArray(child)) return child.map(render).join('')
  if (typeof child === 'object' || typeof child === 'function' || typeof child === 'symbol')
    throw new TypeError(`A view cannot print a value of type ${typeof child}`)
  return escapeText(String(child))
}

/** Raw-text elements would need other escaping than text; the views carry no inline script or style. */
const forbidden = new Set(['script', 'style'])

/** Names are written by us, in the views; a spread of somebody's data must not smuggle one in. */
const attributeName = /^[a-zA-Z_@:][\w:.@-]*$/

const nothing = new Html('')

export function jsx(type: string | Component, props: Props): Html {
  if (typeof type === 'function') return type(props) ?? nothing
  const { children, ...attributes } = props
  for (const name of ['of', 'attrs', 'safe']) delete attributes[name]
  // The library escapes quotes only; an ampersand left as it is would come back from a form as another character.
  for (const [name, value] of Object.entries(attributes)) {
    if (!attributeName.test(name)) throw new TypeError(`"${name}" is no name for an attribute`)
    if (typeof value === 'string' && value.includes('&')) attributes[name] = value.replaceAll('&', '&amp;')
  }
  const body = render(children)
  if (forbidden.has(type) && body) throw new TypeError(`<${type}> may not have content: load a file instead`)
  const open = `<${type}${attributesToString(attributes)}>`
  return new Html(isVoidElement(type) ? open : `${open}${body}</${type}>`)
}

export const jsxs = jsx
export const jsxDEV = jsx
export const Fragment = ({ children }: { children?: Child }): Html => new Html(render(children))

type Optional<T> = { [K in keyof T]?: T[K] | undefined }

type Intrinsic<T> = Optional<Omit<T, 'children' | 'of' | 'attrs' | 'safe' | 'class'>> & {
  children?: Child
  class?: string | undefined | readonly (string | false | null | undefined)[]
  [htmx: `hx-${string}`]: string | number | boolean | undefined
}

export declare namespace JSX {
  type Element = Html
  type ElementType = string | ((props: never) => Html | null)
  interface ElementChildrenAttribute {
    children: Record<never, never>
  }
  type IntrinsicElements = {
    [Tag in keyof Elements]: Intrinsic<Elements[Tag]>
  } & { 'hx-partial': Intrinsic<Tag> }
}
