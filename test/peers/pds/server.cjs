/*
 * A real Bluesky PDS with its own PLC directory (in memory), for the tests. Run by Node 20 or 22:
 *   node server.cjs <data folder> [pds port] [plc port] [--rate-limits]
 * Ports 0 or absent: free ones are chosen. Prints one JSON line {"url","plcUrl"} when ready; ends on SIGTERM, SIGINT
 * or when its standard input closes, so it never outlives the test that started it, and takes the data folder with it.
 */
const fs = require('node:fs')
const net = require('node:net')
const path = require('node:path')

// Both servers would listen on every interface; the tests' world is 127.0.0.1 only.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function listenOnLoopback(first, ...rest) {
  const port = typeof first === 'object' && first !== null ? first.port : first
  if (port === undefined || (typeof first === 'object' && first.path))
    return listen.call(this, first, ...rest)
  return listen.call(this, { port, host: '127.0.0.1' }, ...rest.filter(value => typeof value === 'function'))
}

const freePort = () =>
  new Promise((resolve, reject) => {
    const probe = net.createServer()
    probe.once('error', reject)
    probe.listen(0, () => {
      const { port } = probe.address()
      probe.close(() => resolve(port))
    })
  })

async function main() {
  process.env.LOG_ENABLED ??= 'false'
  const { PDS, envToCfg, envToSecrets } = require('@atproto/pds')
  const plc = require('@did-plc/server')
  const flags = process.argv.slice(2).filter(arg => arg.startsWith('--'))
  const [folder, givenPort, givenPlcPort] = process.argv.slice(2).filter(arg => !arg.startsWith('--'))
  if (!folder) throw new Error('Give the data folder as the first argument.')
  const port = Number(givenPort) || (await freePort())
  const plcPort = Number(givenPlcPort) || (await freePort())

  const directory = plc.PlcServer.create({ db: plc.Database.mock(), port: plcPort })
  await directory.start()
  const env = {
    port,
    hostname: 'localhost',
    devMode: true,
    serviceHandleDomains: ['.test'],
    dataDirectory: folder,
    blobstoreDiskLocation: path.join(folder, 'blobs'),
    blobstoreDiskTmpLocation: path.join(folder, 'blobs-tmp'),
    didPlcUrl: `http://127.0.0.1:${plcPort}`,
    inviteRequired: false,
    jwtSecret: 'test-only',
    adminPassword: 'test-only',
    plcRotationKeyK256PrivateKeyHex: '11'.repeat(32),
    crawlers: [],
    trustedOAuthClients: [],
    rateLimitBypassIps: [],
    handleBackupNameservers: [],
    rateLimitsEnabled: flags.includes('--rate-limits'),
    disableSsrfProtection: true,
  }
  const pds = await PDS.create(envToCfg(env), envToSecrets(env))
  await pds.start()

  let stopping = false
  const stop = async () => {
    if (stopping) return
    stopping = true
    await pds.destroy()
    await directory.destroy()
    fs.rmSync(folder, { recursive: true, force: true })
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, stop)
  process.stdin.on('end', stop)
  process.stdin.on('close', stop)
  process.stdin.resume()
  console.log(JSON.stringify({ url: `http://127.0.0.1:${port}`, plcUrl: `http://127.0.0.1:${plcPort}` }))
}

main().catch(error => {
  console.error(error)
  process.exit(1)
})
