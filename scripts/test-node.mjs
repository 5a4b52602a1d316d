// `pnpm test:node`: Node's own tests of net, http and streams, without the transparent mode and with it, per backend. Lists by name what differs, and ends
// with one plain line that counts.
//   --backends A,B   of auto, uring, errqueue, inline, copy; all that work here unless said
//   --every-chunk    shares chunks of any size, instead of those of 40,960 bytes and more
//   --jobs N         tests at a time; default twice the processors, since most of a test is waiting
//   --show           prints the end of what a differing test said
//   FILTER...        only tests whose name contains one of them
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { nodeTestsFolder } from './node-tests/fetch.mjs'
import { runNodeTest } from './node-tests/run-test.mjs'

const TIMEOUT_MS = 60_000
/** Tries of a test whose result differs, on each side, alone: some depend on their timing. */
const MAX_TRIES = 3

const root = resolve(import.meta.dirname, '..')
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    backends: { type: 'string' },
    'every-chunk': { type: 'boolean', default: false },
    show: { type: 'boolean', default: false },
    jobs: { type: 'string' },
  },
})
const say = (line) => console.log(`sendzc: ${line}`)
const parallel = join(nodeTestsFolder(say), 'test', 'parallel')
const names = readdirSync(parallel)
  .filter((name) => /^test-(net|http|stream)-.*\.m?js$/.test(name))
  .filter((name) => positionals.length === 0 || positionals.some((filter) => name.includes(filter)))

/** Without the transparent mode a module is imported, too, which does nothing: `--import` alone makes a program begin later. */
function environmentOf(backend) {
  if (backend === undefined) return { NODE_OPTIONS: '--import data:text/javascript,' }
  return {
    NODE_OPTIONS: `--import ${pathToFileURL(join(root, 'packages/sendzc/dist/register.js'))}`,
    SENDZC_BACKEND: backend,
    // Loopback copies: giving up would leave nothing to test.
    SENDZC_DEMOTE_AFTER_COPIED: '0',
    ...(values['every-chunk'] && { SENDZC_MIN_SHARED_BYTES: '1' }),
  }
}

async function backendsHere() {
  if (values.backends !== undefined) return values.backends.split(',')
  const { uring, errqueue, inline, copy } = await import(pathToFileURL(join(root, 'packages/sendzc/dist/index.js')).href)
  const found = [uring, errqueue, inline, copy].map((make) => make().probe())
  for (const { backend, available, reason } of found) if (!available) say(`${backend} is left out: ${reason}`)
  return found.filter(({ available }) => available).map(({ backend }) => backend)
}

/** Every test once; those that differ from `expected` are tried again, alone. */
async function runAll(backend, worker, expected) {
  const results = new Map()
  const queue = [...names]
  const run = (name, threadId) =>
    runNodeTest(join(parallel, name), { ...environmentOf(backend), TEST_THREAD_ID: `${threadId}`, NODE_SKIP_FLAG_CHECK: '1' }, TIMEOUT_MS)
  const work = async (threadId) => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) results.set(name, await run(name, threadId))
  }
  await Promise.all(Array.from({ length: worker }, (_, index) => work(index + 1)))
  for (const [name, { passed }] of results) {
    if (passed) continue
    if (expected !== undefined && !expected.get(name).passed) continue
    for (let again = 1; again < MAX_TRIES && !results.get(name).passed; again++) results.set(name, await run(name, 1))
  }
  return results
}

const count = (results) => [...results.values()].filter(({ passed }) => passed).length
const worker = values.jobs === undefined ? 2 * availableParallelism() : Number(values.jobs)
const plain = await runAll(undefined, worker)
say(`without the transparent mode ${count(plain)} of ${names.length} pass`)
let differing = 0
for (const backend of await backendsHere()) {
  const results = await runAll(backend, worker, plain)
  say(`with ${backend} ${count(results)} of ${names.length} pass`)
  for (const [name, { passed, output }] of results) {
    const { passed: expected } = plain.get(name)
    if (passed === expected) continue
    if (!passed) differing++
    console.log(`${passed ? 'passes only' : 'FAILS'} with ${backend}: ${name}`)
    if (!passed && values.show) console.log(output.replaceAll(/^/gm, '        '))
  }
}
console.log(`${names.length} tests, ${differing} fail with the transparent mode alone`)
process.exit(differing === 0 && names.length > 0 ? 0 : 1)
