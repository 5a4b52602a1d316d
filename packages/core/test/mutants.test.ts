import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { driverPromises, mutateBackend, type OpenWriter, override, setWaitMs, writerPromises } from '../conformance/fixtures/index.js'
import { type CaseResult, type ConformanceOptions, collectCases, conformance } from '../conformance/index.js'
import type { Backend } from '../src/driver/driver.js'
import { openWriter } from '../src/open/open-writer.js'
import { memory } from '../src/testing/memory-backend.js'
import { DRIVER_MUTANTS, type DriverMutant } from './driver-mutants.js'
import { memoryConformance } from './memory-modes.js'
import { WRITER_MUTANTS, type WriterMutant } from './writer-mutants.js'

/** One wait of the suite while a mutant runs: the suite sees most mutants by an event that never comes. */
const MUTANT_WAIT_MS = 500
/** One case while a mutant runs. */
const MUTANT_CASE_MS = 8_000
/** All promises that one mutant must break. */
const MUTANT_TEST_MS = 60_000

type SuiteOptions = Omit<ConformanceOptions, 'describe' | 'it'>

/** The suite's options for a mutant, or for the same thing unbroken. */
function optionsOf(
  { kind = 'stream', options = {}, outcomes = ['zerocopy'], mutation, wrap }: DriverMutant,
  broken: boolean,
): SuiteOptions {
  const { walkIds, ...kernel } = options
  const home = memory(broken && walkIds !== undefined ? options : kernel)
  const base = memoryConformance(home, kind, { name: 'mutant', options, outcomes })
  const broke = wrap ?? ((one: Backend) => (mutation === undefined ? one : mutateBackend(one, mutation)))
  const backend = broken ? broke(home) : home
  return { ...base, backend: () => backend, writerOptions: { abortGraceMs: 50 } }
}

function writerOptionsOf({ kind = 'stream', mutation, backend, options }: WriterMutant): SuiteOptions {
  const home = memory()
  const open: OpenWriter = async (target, given) => {
    const { backend: chosen, ...writerOptions } = given
    const writer = await openWriter(target, { ...(options?.(writerOptions) ?? writerOptions), backend: chosen })
    return override(writer, mutation?.(writer) ?? {})
  }
  const mutant = backend === undefined ? home : override(home, backend(home) as Partial<typeof home>)
  const base = memoryConformance(home, kind, { name: 'mutant', options: {}, outcomes: ['zerocopy'] })
  return { ...base, backend: () => mutant, openWriter: open, writerOptions: { abortGraceMs: 50 } }
}

/** Runs one promise, to its first failure. */
async function run(options: SuiteOptions, promise: string): Promise<CaseResult[]> {
  return collectCases((framework) => conformance({ ...framework, ...options, only: [promise] }), { caseMs: MUTANT_CASE_MS, bail: true })
}

function failures(results: readonly CaseResult[]): string[] {
  return results.filter(({ error }) => error !== undefined).map(({ promise, name, error }) => `${promise}: ${name}: ${error?.message}`)
}

describe('mutants', () => {
  let before: number
  beforeAll(() => {
    before = setWaitMs(MUTANT_WAIT_MS)
  })
  afterAll(() => setWaitMs(before))

  describe('of the driver are caught by name', () => {
    for (const mutant of DRIVER_MUTANTS) {
      for (const promise of mutant.caughtBy) {
        it(
          `${mutant.name}: ${promise}`,
          async () => {
            const failed = failures(await run(optionsOf(mutant, true), promise))
            expect(failed, 'the mutant passed').not.toHaveLength(0)
            expect(failed[0]).toContain(`${promise}: `)
          },
          MUTANT_TEST_MS,
        )
      }
    }
  })

  describe('of the writer are caught by name', () => {
    for (const mutant of WRITER_MUTANTS) {
      it(
        `${mutant.name}: ${mutant.caughtBy}`,
        async () => {
          const failed = failures(await run(writerOptionsOf(mutant), mutant.caughtBy))
          expect(failed, 'the mutant passed').not.toHaveLength(0)
          expect(failed[0]).toContain(`${mutant.caughtBy}: `)
        },
        MUTANT_TEST_MS,
      )
    }
  })

  it('break every promise of both suites at least once', () => {
    const caught = new Set([...DRIVER_MUTANTS.flatMap(({ caughtBy }) => caughtBy), ...WRITER_MUTANTS.map(({ caughtBy }) => caughtBy)])
    const unproven = [...driverPromises, ...writerPromises].map(({ name }) => name).filter((name) => !caught.has(name))
    expect(unproven).toEqual([])
  })
})

describe('without a mutation the same runs pass', () => {
  for (const mutant of DRIVER_MUTANTS) {
    it(
      `${mutant.name} undone`,
      async () => {
        for (const promise of mutant.caughtBy) {
          const results = await run(optionsOf(mutant, false), promise)
          expect(results.length).toBeGreaterThan(0)
          expect(failures(results)).toEqual([])
        }
      },
      MUTANT_TEST_MS,
    )
  }
  for (const kind of ['stream', 'datagram'] as const) {
    it(
      `the whole suite, ${kind}`,
      async () => {
        const options = memoryConformance(memory(), kind, { name: 'control', options: {}, outcomes: ['zerocopy'] })
        const results = await collectCases((framework) => conformance({ ...framework, ...options }))
        expect(results.length).toBeGreaterThan(10)
        expect(failures(results)).toEqual([])
      },
      MUTANT_TEST_MS,
    )
  }
})
