/** A real S3 server for one test file: OpenStack Swift with its s3api, signatures checked, on free ports of 127.0.0.1. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { program } from './present.ts'
import { answersTcp, type Child, freePort, startChild } from './processes.ts'

export interface S3 {
  /** The setting for a bucket of it: `http://KEY:SECRET@127.0.0.1:port/bucket?region=us-east-1`. */
  url(bucket: string, login?: { key?: string; secret?: string; region?: string }): string
  /** `host:port`, as OUTBOUND_ALLOW wants it. */
  host: string
  /** Makes a bucket; with `quotaBytes` it refuses what would be more. */
  makeBucket(bucket: string, quotaBytes?: number): Promise<void>
  stop(): Promise<void>
}

const account = 'test:tester'
const secret = 'testing'

/** Swift reads one folder for everything; the programs of Debian would take /etc/swift. */
const driver = `
import sys
from swift.common import utils
utils.set_swift_dir(sys.argv[1])
from swift.common.wsgi import run_wsgi
kind = sys.argv[2]
more = {}
if kind == 'object':
    from swift.obj import server
    more['global_conf_callback'] = server.global_conf_callback
sys.exit(run_wsgi(sys.argv[1] + '/' + kind + '.conf', kind + '-server', **more))
`

const rings = `
import sys
from swift.common.ring import RingBuilder
for kind, port in zip(('account', 'container', 'object'), sys.argv[2:]):
    builder = RingBuilder(4, 1, 1)
    builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'ip': '127.0.0.1', 'port': int(port), 'device': 'd1', 'weight': 1,
        'replication_ip': '127.0.0.1', 'replication_port': int(port)})
    builder.rebalance()
    builder.get_ring().save(sys.argv[1] + '/' + kind + '.ring.gz')
`

/** Starts Swift (about 2 s): one device, one copy of everything. */
export async function startS3(): Promise<S3> {
  // Swift is a package of Debian's own Python; another one in the PATH does not know it.
  const [python, memcached] = ['/usr/bin/python3', program('memcached')]
  if (!memcached) throw new Error('Swift is not installed')
  const folder = mkdtempSync(join(tmpdir(), 'masthead-s3-'))
  mkdirSync(join(folder, 'devices/d1'), { recursive: true })
  const [cache, proxy, ...backs] = await Promise.all(Array.from({ length: 5 }, freePort))
  const user = Bun.spawnSync(['id', '-un']).stdout.toString().trim()
  const common = (port: number) =>
    `[DEFAULT]\nbind_ip = 127.0.0.1\nbind_port = ${port}\nworkers = 0\nuser = ${user}\nswift_dir = ${folder}
devices = ${folder}/devices\nmount_check = false\nlog_level = ERROR\n`
  const back = (kind: string, port: number) =>
    `${common(port)}\n[pipeline:main]\npipeline = ${kind}-server\n[app:${kind}-server]\nuse = egg:swift#${kind}\n`
  const files: Record<string, string> = {
    'swift.conf':
      '[swift-hash]\nswift_hash_path_prefix = masthead\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n',
    'proxy.conf': `${common(proxy as number)}
[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo container-quotas proxy-server
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:${cache}
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_${account.replace(':', '_')} = ${secret} .admin
[filter:slo]
use = egg:swift#slo
[filter:container-quotas]
use = egg:swift#container_quotas
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
`,
  }
  const kinds = ['account', 'container', 'object'] as const
  kinds.forEach((kind, at) => {
    files[`${kind}.conf`] = back(kind, backs[at] as number)
  })
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const made = Bun.spawnSync([python, '-c', rings, folder, ...backs.map(String)])
  if (made.exitCode !== 0) throw new Error(`The rings could not be made: ${made.stderr.toString()}`)

  const children: Child[] = []
  const stop = async () => {
    await Promise.all(children.map(child => child.stop()))
    rmSync(folder, { recursive: true, force: true })
  }
  const up = async (name: string, command: string[], port: number) => {
    children.push(await startChild({ name, command, ready: () => answersTcp(port) }))
  }
  try {
    await Promise.all([
      up(
        'memcached',
        [memcached, '-l', '127.0.0.1', '-p', `${cache}`, '-U', '0', '-u', user],
        cache as number,
      ),
      ...kinds.map((kind, at) =>
        up(`swift ${kind}`, [python, '-c', driver, folder, kind], backs[at] as number),
      ),
      up('swift proxy', [python, '-c', driver, folder, 'proxy'], proxy as number),
    ])
  } catch (error) {
    await stop()
    throw error
  }
  const host = `127.0.0.1:${proxy}`
  return {
    host,
    url: (bucket, login = {}) =>
      `http://${encodeURIComponent(login.key ?? account)}:${encodeURIComponent(login.secret ?? secret)}@${host}/${bucket}?region=${login.region ?? 'us-east-1'}`,
    async makeBucket(bucket, quotaBytes) {
      const login = await fetch(`http://${host}/auth/v1.0`, {
        headers: { 'x-storage-user': account, 'x-storage-pass': secret },
      })
      const made = await fetch(`${login.headers.get('x-storage-url')}/${bucket}`, {
        method: 'PUT',
        headers: {
          'x-auth-token': login.headers.get('x-auth-token') ?? '',
          ...(quotaBytes === undefined ? {} : { 'x-container-meta-quota-bytes': `${quotaBytes}` }),
        },
      })
      if (!made.ok) throw new Error(`The bucket ${bucket} was not made: ${made.status} ${await made.text()}`)
    },
    stop,
  }
}
