import type { Html } from '../../views/html.ts'

/** A whole page or a fragment, as a response. Markup only ever becomes HTML here. */
export function page(markup: Html, status = 200): Response {
  return new Response(markup.markup, {
    status,
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      vary: 'HX-Request-Type',
    },
  })
}

/** After a form: go and look there (303), so that reloading sends nothing again. */
export function seeOther(path: string, cookies: readonly string[] = []): Response {
  const headers = new Headers({ location: path, 'cache-control': 'no-store' })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  return new Response(null, { status: 303, headers })
}

/** A path of ours to go on to after signing in; anything else leads home. */
export function ownPath(path: string | null | undefined, otherwise: string): string {
  return path && /^\/(?![/\\])[\x21-\x7e]*$/.test(path) && !path.includes('\\') ? path : otherwise
}

const flashCookie = 'masthead-flash'

/** A message for the next page, kept in a short-lived cookie. */
export const flashed = (slug: string, kind: 'good' | 'bad' | 'info', text: string, secure: boolean): string =>
  `${flashCookie}=${kind}.${fitting(text)}; Path=/w/${slug}; HttpOnly; SameSite=Lax; Max-Age=60${secure ? '; Secure' : ''}`

/** Browsers drop a cookie of more than 4096 bytes, with its name and attributes. */
const flashBytes = 3600

/** A message as a cookie can hold it: cut where it is too long; half an emoji, from an earlier cut, is replaced. */
function fitting(text: string): string {
  const whole = encodeURIComponent(text.toWellFormed())
  if (whole.length <= flashBytes) return whole
  let cut = ''
  for (const character of text.toWellFormed()) {
    const next = cut + encodeURIComponent(character)
    if (next.length > flashBytes) break
    cut = next
  }
  return cut + encodeURIComponent('…')
}

export const flashSeen = (slug: string): string =>
  `${flashCookie}=; Path=/w/${slug}; HttpOnly; SameSite=Lax; Max-Age=0`

export function readFlash(cookie: string | null): { kind: 'good' | 'bad' | 'info'; text: string } | null {
  const [, kind, text] = /^(good|bad|info)\.(.*)$/.exec(cookie ?? '') ?? []
  if (!kind || text === undefined) return null
  try {
    return { kind: kind as 'good' | 'bad' | 'info', text: decodeURIComponent(text) }
  } catch {
    return null
  }
}

export { flashCookie }
