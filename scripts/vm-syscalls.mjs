// Counts, with strace, the system calls that a process makes for each send in steady state. A part of scripts/vm-suite.mjs.
//   node scripts/vm-syscalls.mjs BACKEND LEVEL    is the process that is traced
import { spawnSync } from 'node:child_process'
import { accessSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DriverSession } from '../packages/core/dist/conformance/fixtures/index.js'
import { udpPairs } from '../packages/core/dist/conformance/index.js'
import { openWriter } from '../packages/core/dist/src/entries/index.js'
import { errqueue, inline } from '../packages/sendmsg/dist/index.js'

const SENDS = 256
const BYTES = 10_000
/** Paths that do not exist: looking for them marks the begin and the end of what counts. */
const MARKS = { begin: '/sendzc-counting-begins', end: '/sendzc-counting-ends' }
/** Longest run of one traced process, in ms. */
const RUN_MS = 120_000
/** Whatever a send or a collection can be, and every way to wait. Threads other than the one that sends are not traced. */
const TRACED = '%network,epoll_ctl,epoll_wait,epoll_pwait,poll,ppoll,select,io_uring_enter,access,faccessat,faccessat2'

const backends = {
  inline: () => inline(),
  errqueue: () => errqueue({ collect: 'recvmsg' }),
}

/** Over UDP on loopback a message is released while it is sent, so that notifications never lag behind. */
const levels = {
  driver: (fd, backend) => {
    const session = new DriverSession(backend(), fd, 64)
    const data = new Uint8Array(BYTES)
    return () => {
      session.submit([{ segments: [data], zerocopy: true }])
      session.driver.collect()
      if (session.inFlight > 0) throw new Error('a message is still in flight after its collection')
    }
  },
  writer: async (fd, backend) => {
    const writer = await openWriter(fd, { backend: backend(), minZerocopyBytes: 0 })
    const data = new Uint8Array(BYTES)
    return async () => {
      const { released } = await writer.write(data)
      await released
    }
  },
}

function mark(path) {
  try {
    accessSync(path)
  } catch {
    // It never exists.
  }
}

async function sendTraced(backend, level) {
  const pair = await udpPairs('127.0.0.1')()
  const sendOne = await levels[level](pair.fd, backends[backend])
  // The first sends make the objects that are made on first use.
  for (let i = 0; i < SENDS; i++) await sendOne()
  mark(MARKS.begin)
  for (let i = 0; i < SENDS; i++) await sendOne()
  mark(MARKS.end)
  process.exit(0)
}

/** System calls of one send, by name: `{ sendmsg: 1 }`. */
function callsPerSend(backend, level) {
  const folder = mkdtempSync(join(tmpdir(), 'sendzc-syscalls-'))
  const log = join(folder, 'calls')
  try {
    const argv = ['-qq', '-o', log, '-e', `trace=${TRACED}`, '-e', 'signal=none', process.execPath, fileURLToPath(import.meta.url)]
    const { status, stderr, error } = spawnSync('strace', [...argv, backend, level], { encoding: 'utf8', timeout: RUN_MS })
    if (error !== undefined) throw error
    if (status !== 0) throw new Error(`the traced process ended with status ${status}: ${stderr}`)
    const lines = readFileSync(log, 'utf8').split('\n')
    const begin = lines.findIndex((line) => line.includes(MARKS.begin))
    const end = lines.findIndex((line) => line.includes(MARKS.end))
    if (begin < 0 || end < begin) throw new Error('the marks are not in what strace wrote')
    const counts = {}
    for (const line of lines.slice(begin + 1, end)) {
      const name = line.split('(')[0]
      counts[name] = (counts[name] ?? 0) + 1
    }
    return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count / SENDS]))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/**
 * One case for inline and each level: one sendmsg for each send and nothing else; and errqueue, which needs a second call,
 * as proof that the count sees it.
 * @returns what `collectCases` of the conformance suite returns
 */
export function countSystemCalls() {
  const expected = { inline: { sendmsg: 1 }, errqueue: { sendmsg: 1, recvmsg: 1 } }
  return Object.keys(backends).flatMap((backend) =>
    Object.keys(levels).map((level) => {
      const result = { promise: 'system calls per send', name: `${backend}, ${level} level`, error: undefined }
      try {
        const calls = JSON.stringify(callsPerSend(backend, level))
        // The writer collects from the error queue when it sees fit: only inline promises how often.
        const wanted = JSON.stringify(expected[backend])
        const matches = backend === 'errqueue' ? calls.includes('recvmsg') : calls === wanted
        if (!matches) result.error = new Error(`${calls} instead of ${wanted}`)
      } catch (error) {
        result.error = error
      }
      return result
    }),
  )
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await sendTraced(process.argv[2], process.argv[3])
