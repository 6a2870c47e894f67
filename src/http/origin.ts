import type { Config } from '../config.ts'

/** Scheme and host a browser used to reach us; forwarded headers count only behind a trusted proxy. */
export function ownOrigin(request: Request, config: Pick<Config, 'trustProxy' | 'publicUrl'>): string {
  const url = new URL(request.url)
  const host = request.headers.get('host') ?? url.host
  if (config.trustProxy) {
    const scheme = request.headers.get('x-forwarded-proto')?.split(',')[0]?.trim()
    const forwarded = request.headers.get('x-forwarded-host')?.split(',')[0]?.trim()
    if (scheme === 'https' || scheme === 'http') return `${scheme}://${forwarded || host}`
  }
  return `${url.protocol}//${host}`
}

/** The address to print in links: the setting when there is one, else the one this request came in on. */
export const publicOrigin = (request: Request, config: Pick<Config, 'trustProxy' | 'publicUrl'>): string =>
  config.publicUrl?.origin ?? ownOrigin(request, config)

/** Whether cookies are marked Secure. */
export const isSecure = (config: Pick<Config, 'publicUrl'>): boolean =>
  config.publicUrl?.protocol === 'https:'

/**
 * Why a state-changing page request is refused, or null when it comes from our own pages: its `Origin` must be the
 * request's own scheme and host, or PUBLIC_URL. Without an Origin the browser's own `Sec-Fetch-Site` must say so.
 */
export function foreignOrigin(
  request: Request,
  config: Pick<Config, 'trustProxy' | 'publicUrl'>,
): string | null {
  const origin = request.headers.get('origin')
  if (origin === null) {
    const site = request.headers.get('sec-fetch-site')
    if (site === 'same-origin' || site === 'none') return null
    return 'This request does not say which page it comes from, so it was not carried out.'
  }
  const own = ownOrigin(request, config)
  if (origin === own || origin === config.publicUrl?.origin) return null
  const expected =
    config.publicUrl && config.publicUrl.origin !== own ? `${config.publicUrl.origin} or ${own}` : own
  return `This request comes from ${origin.slice(0, 200)}, but Masthead is at ${expected}. If that is the same place behind a proxy, set PUBLIC_URL to ${origin.slice(0, 200)}.`
}

/** The address to count sign-ins by: the trusted proxy's last hop, else the socket's. */
export function clientAddress(request: Request, socketAddress: string | null, trustProxy: boolean): string {
  const forwarded = trustProxy ? request.headers.get('x-forwarded-for')?.split(',').at(-1)?.trim() : undefined
  return forwarded || socketAddress || 'unknown'
}
