/** The workspace has another address now. The session goes along, because its cookie belongs to the former one. */
export class Moved extends Error {
  constructor(
    readonly from: string,
    readonly to: string,
    readonly cookies: readonly string[] = [],
  ) {
    super(`moved from ${from} to ${to}`)
  }
}

/**
 * Leads to the same page at the new address; a form is sent again there. A feed has moved for good, so that readers
 * subscribe to the new address. No browser keeps either answer: the address may be changed back.
 */
export function movedResponse({ from, to, cookies }: Moved, request: Request): Response {
  const { pathname, search } = new URL(request.url)
  const path = pathname.replace(`/${from}`, `/${to}`)
  const headers = new Headers({ location: path + search, 'cache-control': 'no-store' })
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  const reading = request.method === 'GET' || request.method === 'HEAD'
  const status = pathname.startsWith('/feed/') ? 301 : reading ? 302 : 307
  return new Response(null, { status, headers })
}
