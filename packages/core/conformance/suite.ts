import { openWriter } from '../src/open/open-writer.js'
import { SUITE_LIMITS } from './bounded.js'
import type { ConformanceOptions, ContractPromise, OpenWriter, PromiseCase } from './contract.js'
import { driverPromises } from './driver/index.js'
import { writerPromises } from './promises/index.js'
import { whyNoPacedPairs, whyNoSlowPairs } from './slow-pairs.js'
import { DriverTrial, Trial } from './trial.js'

interface Disposable {
  dispose(): Promise<void>
}

/**
 * Registers all that holds a backend to its contracts: that of its `Driver` with the writer, the content of what arrives included, and, behind
 * `openWriter`, that of `ZeroCopyWriter` with its caller.
 *
 * ```ts
 * import { describe, it } from 'vitest'
 * conformance({ describe, it, name: 'errqueue tcp4', kind: 'stream', openPair: tcpPairs('127.0.0.1'), backend: () => errqueue(), expectOutcomes: ['copied'] })
 * ```
 */
export function conformance(options: ConformanceOptions): void {
  checkNames(options)
  register(options, 'writer', writerPromises, () => new Trial(options, openWriter as OpenWriter))
  register(options, 'driver', driverPromises, () => new DriverTrial(options))
}

function register<T extends Disposable>(
  options: ConformanceOptions,
  level: string,
  promises: readonly ContractPromise<T>[],
  makeTrial: () => T,
): void {
  const { describe, name, only } = options
  const wanted = promises.filter((promise) => only === undefined || only.includes(promise.name))
  if (wanted.length === 0) return
  describe(`${name} (${level})`, () => {
    for (const promise of wanted) {
      // A promise about streams does not apply to datagrams: the suite leaves it out, and registers no skip.
      if (!promise.cases.some((one) => appliesTo(one, options))) continue
      describe(`${promise.name}: ${promise.says}`, () => registerCases(options, promise, makeTrial))
    }
  })
}

function registerCases<T extends Disposable>(options: ConformanceOptions, promise: ContractPromise<T>, makeTrial: () => T): void {
  const { it } = options
  for (const one of promise.cases) {
    if (!appliesTo(one, options)) continue
    const { name, run } = one
    const body = async (): Promise<void> => {
      const trial = makeTrial()
      try {
        await run(trial)
      } finally {
        await trial.dispose()
      }
    }
    const reason = options.skip?.[promise.name] ?? whyNoPair(one, options)
    if (reason === null) it(name, body, SUITE_LIMITS.caseMs)
    else if (it.skip !== undefined) it.skip(`${name} (skipped: ${reason})`, body)
    else throw new Error(`"${promise.name}" cannot run (${reason}), and this test framework has no it.skip to say so`)
  }
}

function whyNoPair<T>({ needsSlowPair, needsPacedPair }: PromiseCase<T>, { openSlowPair }: ConformanceOptions): string | null {
  if (needsPacedPair === true) return whyNoPacedPairs()
  return needsSlowPair === true && openSlowPair === undefined ? whyNoSlowPairs() : null
}

function appliesTo<T>(
  { kinds, needsInject, needsReceivers }: PromiseCase<T>,
  { kind, inject, openReceivers }: ConformanceOptions,
): boolean {
  if (needsReceivers === true && openReceivers === undefined) return false
  return (kinds === undefined || kinds.includes(kind)) && (needsInject !== true || inject !== undefined)
}

/** A misspelt name would have no effect, and no reader would see that. */
function checkNames({ only = [], skip = {} }: ConformanceOptions): void {
  const known = new Set([...writerPromises, ...driverPromises].map(({ name }) => name))
  for (const name of [...only, ...Object.keys(skip)]) {
    if (!known.has(name)) throw new Error(`the conformance suite has no promise "${name}"`)
  }
}
