/**
 * What `bun run test` calls. Installs the peers that come from npm where that is possible, runs the tests, names what was skipped and
 * why, and ends with one line: `N passed, N failed, N skipped`.
 *
 * Arguments go to `bun test` as they are: parts of file names, `-t <pattern>`, `--rerun-each 3`, …
 * TEST_REQUIRE=all turns every skip into a failure. TEST_PARALLEL sets the number of worker processes, default 2.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { installPds } from './peers/pds/install.ts'
import { installOlderPostgres } from './peers/postgres/install.ts'
import { everythingRequired, missing, type Peer, peerNames, peers } from './peers/present.ts'

interface Case {
  file: string
  name: string
  state: 'passed' | 'failed' | 'skipped'
  /** The peers it was guarded with. */
  needs: Peer[]
}

const decode = (text: string) =>
  text
    .replace(/&#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&amp;', '&')

/** The test cases of a JUnit report as Bun writes it; groups are named from the inside out. */
function readReport(xml: string): Case[] {
  const cases = xml.matchAll(/<testcase ([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)
  return [...cases].map(([, attributes = '', inside = '']) => {
    const value = (name: string) => decode(new RegExp(`(?:^| )${name}="([^"]*)"`).exec(attributes)?.[1] ?? '')
    const name = [...value('classname').split(' > ').reverse(), value('name')].filter(Boolean).join(' > ')
    const needs = /\(needs ([a-z0-9, ]+)\)/.exec(name)?.[1]?.split(', ') ?? []
    return {
      file: value('file'),
      name,
      state: inside.includes('<skipped')
        ? 'skipped'
        : /<(failure|error)\b/.test(inside)
          ? 'failed'
          : 'passed',
      needs: peers.filter(peer => needs.includes(peer)),
    }
  })
}

/** One line a missing peer with the number of tests it cost, then the tests that were skipped for no such reason. */
function explainSkips(skipped: Case[], problems: Partial<Record<Peer, string>>): string[] {
  const byPeer = peers.flatMap(peer => {
    const why = problems[peer] || missing(peer)
    const count = skipped.filter(({ needs }) => needs.includes(peer)).length
    return why ? [`  ${peerNames[peer]} (${count} ${count === 1 ? 'test' : 'tests'}): ${why}`] : []
  })
  const others = skipped
    .filter(({ needs }) => !needs.some(missing))
    .map(({ file, name }) => `  ${file}: ${name}`)
  return [
    ...(byPeer.length > 0 ? ['Skipped, because this machine lacks:', ...byPeer] : []),
    ...(others.length > 0 ? ['Skipped in the tests themselves:', ...others] : []),
  ]
}

/** What the attacks on the wall came to, over all files that `test/tally.ts` counts in. */
function isolationLines(printed: string): string[] {
  const counts = [...printed.matchAll(/^isolation, .*: (\d+) tried, (\d+) leaked$/gm)]
  const sum = (at: number) => counts.reduce((all, count) => all + Number(count[at]), 0)
  return counts.length > 0 ? [`isolation: ${sum(1)} tried, ${sum(2)} leaked`] : []
}

/** Passes a stream on as it comes and returns all of it. */
async function tee(from: ReadableStream<Uint8Array>, to: NodeJS.WriteStream): Promise<string> {
  const decoder = new TextDecoder()
  let all = ''
  for await (const chunk of from) {
    to.write(chunk)
    all += decoder.decode(chunk, { stream: true })
  }
  return all
}

async function runTests(
  args: string[],
  report: string,
  workers = process.env.TEST_PARALLEL ?? '2',
): Promise<{ code: number; printed: string }> {
  const options = [
    `--parallel=${workers}`,
    '--timeout=60000',
    '--reporter=junit',
    `--reporter-outfile=${report}`,
  ]
  const child = Bun.spawn([process.execPath, 'test', ...options, ...args], {
    cwd: join(import.meta.dir, '..'),
    env: { ...process.env },
    stdout: 'pipe',
    stderr: 'pipe',
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  const [, printed] = await Promise.all([
    tee(child.stdout, process.stdout),
    tee(child.stderr, process.stderr),
  ])
  return { code: await child.exited, printed }
}

/** Files about two at once or about the wall: one failure in a thousand runs is a finding there, so nothing excuses it. */
const neverExcused = /(?:attack|attack-sql|crash|isolation|model|race|scope|wall)\.test\.ts$/

/**
 * The failed files once more, alone on the machine. Many tests run real processes, browsers and servers, and a wait that is long enough
 * for them is now and then too short on a shared machine. What passes alone is named in the output, so that it gets mended.
 * @returns the cases, those of such a file as the second run has them; a test is failed that failed in both
 */
async function askAgain(cases: Case[], folder: string): Promise<Case[]> {
  const failed = cases.filter(one => one.state === 'failed' && !neverExcused.test(one.file))
  if (failed.length === 0) return cases
  const files = [...new Set(failed.map(({ file }) => file))]
  console.log(`\nOnce more, alone: ${files.join(', ')}`)
  const report = join(folder, 'again.xml')
  await runTests(
    files.map(file => `./${file}`),
    report,
    '1',
  )
  const again = existsSync(report) ? readReport(readFileSync(report, 'utf8')) : []
  const firstOf = ({ file, name }: Case) => cases.find(one => one.file === file && one.name === name)
  // What a file does before its tests has no name; the tests that did not come to run for it are in the second report alone.
  for (const { file, name } of failed)
    if (!again.some(one => one.file === file && one.state === 'failed' && one.name === name))
      console.log(`Passed when it ran alone: ${file}: ${name}`)
  return [
    ...cases.filter(one => !again.some(({ file }) => file === one.file)),
    ...again.map(one =>
      one.state === 'failed' && firstOf(one)?.state === 'passed' ? { ...one, state: 'passed' as const } : one,
    ),
  ]
}

async function main(): Promise<number> {
  const problems: Partial<Record<Peer, string>> = {}
  for (const [peer, install] of [
    ['pds', installPds],
    ['postgres', installOlderPostgres],
  ] as const) {
    const installing = performance.now()
    const done = await install()
    const seconds = Math.round((performance.now() - installing) / 1000)
    if (done === 'installed') console.log(`${peerNames[peer]}: installed in ${seconds} s`)
    else if (done !== 'present') {
      problems[peer] = done.cannot
      console.log(`${peerNames[peer]}: ${done.cannot}`)
    }
  }

  const setup = join(import.meta.dir, 'setup-global.ts')
  const { teardown } = (existsSync(setup) ? await import(setup) : {}) as {
    teardown?: () => Promise<void> | void
  }

  const folder = mkdtempSync(join(tmpdir(), 'masthead-tests-'))
  try {
    const report = join(folder, 'junit.xml')
    const { code, printed } = await runTests(process.argv.slice(2), report)
    const first = existsSync(report) ? readReport(readFileSync(report, 'utf8')) : []
    const failedFirst = first.filter(({ state }) => state === 'failed').length
    // A file that fails as it loads is in Bun's closing figures, but not in its report; a process that dies is in neither.
    const counted = Number([...printed.matchAll(/^ *(\d+) fail$/gm)].at(-1)?.[1] ?? 0)
    const unreported = Math.max(counted - failedFirst, code !== 0 && failedFirst === 0 ? 1 : 0, 0)
    const cases = await askAgain(first, folder)
    const count = (state: Case['state']) => cases.filter(one => one.state === state).length
    const failed = count('failed') + unreported
    const skipped = cases.filter(({ state }) => state === 'skipped')
    const failures = cases
      .filter(({ state }) => state === 'failed')
      .map(({ file, name }) => `  ${file}: ${name}`)
    for (const line of failures.length > 0 ? ['Failed:', ...failures] : []) console.log(line)
    for (const line of explainSkips(skipped, problems)) console.log(line)
    for (const line of isolationLines(printed)) console.log(line)
    const ran = count('passed') + failed > 0
    if (!ran) console.log('No test ran.')
    console.log(`${count('passed')} passed, ${failed} failed, ${skipped.length} skipped`)
    return failed > 0 || !ran || (everythingRequired() && skipped.length > 0) ? 1 : 0
  } finally {
    rmSync(folder, { recursive: true, force: true })
    await teardown?.()
  }
}

process.exit(await main())
