// Faults that the suite must catch over a real kernel: errqueue with one fault each, which a suite without these cases passed.
import type { Backend } from '@sendzc/core'
import { collectCases, conformance, tcpPairs, udpPairs, udpReceivers } from '@sendzc/core/conformance'
import { EnvelopePart, EnvelopeWord, Errno, MessageFlag, type SendBatch } from '@sendzc/core/driver'
import { batchOf, type DriverMutation, messagesOf, mutateBackend, setWaitMs, withFaultyReleases, withoutPin } from '@sendzc/core/fixtures'
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

/** A batch whose envelopes are changed: one message after another, each with that of the first at hand. */
function withEnvelopes(change: (envelope: Uint32Array, first: Uint32Array) => Uint32Array | undefined): (batch: SendBatch) => SendBatch {
  return (batch) => {
    const messages = messagesOf(batch)
    const first = messages.find(({ envelope }) => envelope !== undefined)?.envelope
    return batchOf(
      messages.map((message) =>
        message.envelope === undefined ? message : { ...message, envelope: change(message.envelope, first as Uint32Array) },
      ),
    )
  }
}

/** Clears parts of an envelope. */
function without(parts: number): (batch: SendBatch) => SendBatch {
  return withEnvelopes((envelope) => {
    const cleared = envelope.slice()
    cleared[EnvelopeWord.Parts] = (cleared[EnvelopeWord.Parts] as number) & ~parts
    return cleared
  })
}

const ENVELOPE_FAULTS: readonly [string, (batch: SendBatch) => SendBatch][] = [
  ['no envelope is sent', withEnvelopes(() => undefined)],
  ['every message of a batch goes to the receiver of the first', withEnvelopes((_, first) => first)],
  ['segmentBytes is forgotten', without(EnvelopePart.Segments)],
  ['the source is forgotten, and the route chooses another', without(EnvelopePart.Source)],
]

function withoutHolds(batch: SendBatch): SendBatch {
  return batchOf(messagesOf(batch).map((message) => ({ ...message, flags: message.flags & ~MessageFlag.HoldsRest })))
}

/** What follows a datagram that failed is reported as failed, too. */
const failTheRest: DriverMutation = {
  sink: (sink) => {
    let failed = 0
    return {
      sent: (token, result) => {
        if (result < 0 && result !== -Errno.EAGAIN && result !== -Errno.ECANCELED) failed = result
        sink.sent(token, result >= 0 ? failed || result : result)
      },
    }
  },
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
  ...ENVELOPE_FAULTS.map(([name, fault]) => ({
    name,
    kinds: ['datagram'] as const,
    caughtBy: 'addressed-datagrams',
    make: (backend: Backend) => mutateBackend(backend, { driver: (driver) => ({ submit: (batch) => driver.submit(fault(batch)) }) }),
  })),
  {
    name: 'a datagram that holds the rest of its batch does not hold it',
    kinds: ['datagram'],
    caughtBy: 'driver-datagrams',
    make: (backend) => mutateBackend(backend, { driver: (driver) => ({ submit: (batch) => driver.submit(withoutHolds(batch)) }) }),
  },
  {
    name: 'one datagram that fails fails the rest of its batch',
    kinds: ['datagram'],
    caughtBy: 'addressed-datagrams',
    make: (backend) => mutateBackend(backend, failTheRest),
  },
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
        ...(kind === 'datagram' ? { openReceivers: udpReceivers('127.0.0.1') } : {}),
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
