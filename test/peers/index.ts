/**
 * The outside world of the tests. Real programs: Bluesky PDS, Redis, PgBouncer, Swift, Chromium; guard their tests with
 * `describePeer`. Servers of ours that speak a documented protocol: mastodon.ts, n8n.ts, comfyui.ts; and the
 * `smtp-server` package.
 */
export { type Balancer, startBalancer } from './balancer.ts'
export { chromium } from './chromium.ts'
export { type Comfyui, startComfyui } from './comfyui.ts'
export { type Mastodon, startMastodon } from './mastodon.ts'
export { type N8n, startN8n } from './n8n.ts'
export { type Pds, type PdsAccount, type PdsRecord, startPds } from './pds.ts'
export { type Pgbouncer, type PgbouncerOptions, startPgbouncer } from './pgbouncer.ts'
export { describePeer, type Peer, present } from './present.ts'
export { freePort } from './processes.ts'
export { type Redis, startRedis } from './redis.ts'
export { type S3, startS3 } from './s3.ts'
export { type Fault, Faults } from './serve.ts'
export { type ReceivedMail, type Smtp, startSmtp } from './smtp.ts'
export { type Standby, startStandby } from './standby.ts'
