import type { Backend } from '../src/driver/driver.js'
import { collectCases } from './collect.js'
import { pressGarbageCollector } from './content.js'
import { tcpPairs, udpPairs } from './loopback-pairs.js'
import { conformance } from './suite.js'

/** Between two collections of garbage while a run goes on, in ms. */
const COLLECT_EVERY_MS = 10

const TRANSPORTS = [
  { name: 'tcp4', kind: 'stream', openPair: tcpPairs('127.0.0.1') },
  { name: 'tcp6', kind: 'stream', openPair: tcpPairs('::1') },
  { name: 'udp4', kind: 'datagram', openPair: udpPairs('127.0.0.1') },
  { name: 'udp6', kind: 'datagram', openPair: udpPairs('::1') },
] as const

/** What of a backend's content runs failed, and how many cases there were. */
export interface ContentRun {
  cases: number
  failures: string[]
}

/**
 * Runs the promises about content over every loopback transport, in the thread that calls it, while garbage is collected without pause: buffers
 * are poisoned as soon as they are released, memory is forgotten, and what arrives is compared.
 * @param transports - names of those to run; default all
 * @param bail - ends the run of a transport at its first failure
 */
export async function runContent(makeBackend: () => Backend, transports?: readonly string[], bail = false): Promise<ContentRun> {
  const run: ContentRun = { cases: 0, failures: [] }
  const collecting = setInterval(pressGarbageCollector, COLLECT_EVERY_MS)
  for (const { name, kind, openPair } of TRANSPORTS) {
    if (transports !== undefined && !transports.includes(name)) continue
    const options = {
      name,
      kind,
      openPair,
      // The suite itself looks at slow devices.
      openSlowPair: openPair,
      backend: makeBackend,
      expectOutcomes: ['copied'],
      only: ['released-after-every-notification'],
    } as const
    const results = await collectCases((framework) => conformance({ ...framework, ...options }), { bail })
    run.cases += results.length
    for (const { name: title, error } of results) if (error !== undefined) run.failures.push(`${name}: ${title}: ${error.message}`)
  }
  clearInterval(collecting)
  return run
}
