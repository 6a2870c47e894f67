import type { Config } from '../config.ts'
import { Stop } from '../errors.ts'
import { isLoopback } from '../lib/addresses.ts'
import { diskStorage } from './disk.ts'
import { s3Storage } from './s3.ts'
import type { Storage } from './storage.ts'

/**
 * The storage that the settings name: the bucket of S3_URL, else the data folder. Plain http would show every picture
 * and let anybody on the way change it, so it is for this machine, and for hosts that OUTBOUND_ALLOW lists.
 * @throws Stop
 */
export function openStorage({
  s3Url,
  dataDir,
  outboundAllow,
}: Pick<Config, 's3Url' | 'dataDir' | 'outboundAllow'>): Storage {
  if (!s3Url) return diskStorage(dataDir)
  const allowed =
    isLoopback(s3Url.hostname) || outboundAllow.includes(`${s3Url.hostname}:${s3Url.port || 80}`)
  if (s3Url.protocol === 'http:' && !allowed)
    throw new Stop(
      `S3_URL is plain http: use https, or, inside a network that you trust, add ${s3Url.hostname}:${s3Url.port || 80} to OUTBOUND_ALLOW.`,
    )
  return s3Storage(s3Url)
}
