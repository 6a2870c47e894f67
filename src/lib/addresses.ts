/**
 * Which network addresses are outside, in the open internet. Everything else (this machine, private networks, carrier
 * and cloud internals, documentation, multicast, and tunnels that could lead back inside) is refused.
 * Sources: IANA special-purpose registries, https://www.iana.org/assignments/iana-ipv4-special-registry and
 * https://www.iana.org/assignments/iana-ipv6-special-registry
 */

/** IPv4 ranges that are not the open internet: network, prefix length. */
const insideV4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
  // A public number, but inside Azure it is the host's own service (https://learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
  ['168.63.129.16', 32],
]

/** Parts of 2000::/3 that are not plain unicast: protocol assignments with Teredo, documentation, 6to4, documentation. */
const insideV6: readonly (readonly [string, number])[] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

/**
 * True when `address` is one a user may make us call. Only canonical dotted IPv4 and IPv6 text is understood;
 * anything else (a zone id, another spelling, an empty string) is false: the check fails closed.
 */
export function isPublicAddress(address: string): boolean {
  const v4 = parseV4(address)
  if (v4 !== null) return publicV4(v4)
  const v6 = parseV6(address)
  if (v6 === null) return false
  const low = Number(v6 & 0xffff_ffffn)
  // IPv4-mapped and the well-known NAT64 prefix carry an IPv4 address, and that one decides.
  if (v6 >> 32n === 0xffffn || v6 >> 32n === 0x64ff9bn << 64n) return publicV4(low)
  // Only global unicast is open; unique local, link-local, site-local, multicast, loopback and the rest are not in it.
  if (v6 >> 125n !== 1n) return false
  return !insideV6.some(([network, bits]) => {
    const start = parseV6(network)
    return start === null || v6 >> BigInt(128 - bits) === start >> BigInt(128 - bits)
  })
}

/** True for this machine's own addresses, as a host of a URL spells them. */
export const isLoopback = (host: string): boolean => /^(localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/.test(host)

function publicV4(address: number): boolean {
  return !insideV4.some(([network, bits]) => {
    const start = parseV4(network)
    const size = 2 ** (32 - bits)
    return start === null || Math.floor(address / size) === Math.floor(start / size)
  })
}

function parseV4(text: string): number | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every(part => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return null
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0)
}

function parseV6(text: string): bigint | null {
  if (!/^[0-9a-f:.]+$/i.test(text) || !text.includes(':')) return null
  let source = text
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  if (dotted) {
    const v4 = parseV4(dotted[2] ?? '')
    if (v4 === null) return null
    source = `${dotted[1]}${Math.floor(v4 / 65536).toString(16)}:${(v4 % 65536).toString(16)}`
  }
  const halves = source.split('::')
  if (halves.length > 2) return null
  const head = groups(halves[0] ?? '')
  const tail = halves.length === 2 ? groups(halves[1] ?? '') : []
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null
  const all = [...head, ...Array<string>(missing).fill('0'), ...tail]
  if (!all.every(group => /^[0-9a-f]{1,4}$/i.test(group))) return null
  return all.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
}

function groups(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
