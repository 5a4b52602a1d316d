// Faults that the suite must catch over a real kernel: errqueue with one fault each, which a suite without these cases passed.
import type { Backend } from '@sendzc/core'
import { collectCases, conformance, tcpPairs, udpPairs } from '@sendzc/core/conformance'
import { setWaitMs, withFaultyReleases, withoutPin } from '@sendzc/core/fixtures'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { errqueue } from '../src/index.js'

/** One wait of the suite while a mutant runs: the awaited event may never come. */
const MUTANT_WAIT_MS = 3_000
/** All that one mutant runs. */
const MUTANT_TEST_MS = 60_000

type Kind = 'stream' | 'datagram'

interface Mutant {
  name: string
  kinds: readonly Kind[]
  caughtBy: string
  make: (backend: Backend) => Backend
}

const MUTANTS: readonly Mutant[] = [
  { name: 'no pin once memory is transferred away', kinds: ['stream', 'datagram'], caughtBy: 'pinned-until-released', make: withoutPin },
  {
    name: 'every release early',
    kinds: ['stream', 'datagram'],
    caughtBy: 'released-by-token',
    make: (backend) => withFaultyReleases(backend, { kind: 'early', oneIn: 1 }),
  },
  ...(['early', 'swapped', 'doubled', 'lost'] as const).map((kind) => ({
    name: `one release in 1,000 ${kind}`,
    kinds: ['stream', 'datagram'] as const,
    caughtBy: 'released-by-token',
    make: (backend: Backend) => withFaultyReleases(backend, { kind, oneIn: 1_000 }),
  })),
]

/** Failures of one promise, to the first. */
async function failures(kind: Kind, backend: Backend, promise: string): Promise<string[]> {
  const results = await collectCases(
    ({ describe, it }) =>
      conformance({
        describe,
        it,
        name: 'mutant',
        kind,
        openPair: kind === 'stream' ? tcpPairs('127.0.0.1') : udpPairs('127.0.0.1'),
        backend: () => backend,
        expectOutcomes: ['copied'],
        only: [promise],
      }),
    { bail: true },
  )
  expect(results.length).toBeGreaterThan(0)
  return results
    .filter(({ error }) => error !== undefined)
    .map(({ promise: broken, name, error }) => `${broken}: ${name}: ${error?.message}`)
}

describe('errqueue with one fault is caught by name', () => {
  let before: number
  beforeAll(() => {
    before = setWaitMs(MUTANT_WAIT_MS)
  })
  afterAll(() => setWaitMs(before))

  for (const { name, kinds, caughtBy, make } of MUTANTS) {
    for (const kind of kinds) {
      it(
        `${name}, ${kind}: ${caughtBy}`,
        async () => {
          const [first] = await failures(kind, make(errqueue()), caughtBy)
          expect(first, 'the mutant passed').toBeDefined()
          expect(first).toContain(`${caughtBy}: `)
        },
        MUTANT_TEST_MS,
      )
    }
  }
})

describe('errqueue behind the same wrapper, without a fault, passes', () => {
  it.each(['stream', 'datagram'] as const)(
    '%s',
    async (kind) => {
      const backend = withFaultyReleases(errqueue(), { kind: 'lost', oneIn: Number.POSITIVE_INFINITY })
      expect(await failures(kind, backend, 'released-by-token')).toEqual([])
    },
    MUTANT_TEST_MS,
  )
})
