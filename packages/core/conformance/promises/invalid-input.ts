import assert from 'node:assert/strict'
import { ERROR_CODES, type ZeroCopyErrorCode } from '../../src/errors.js'
import type { WriteOptions } from '../../src/writer.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import { rejection } from '../write-ledger.js'

/** Memory that cannot be pinned, or is not memory, and the code that says so. */
function invalidData(): [string, unknown, ZeroCopyErrorCode][] {
  const detached = new Uint8Array(16)
  structuredClone(detached.buffer, { transfer: [detached.buffer] })
  // Typed as they are since ES2024; the library of this TypeScript target does not know them yet.
  const resizable = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]) as ArrayBuffer
  const growable = Reflect.construct(SharedArrayBuffer, [16, { maxByteLength: 64 }]) as SharedArrayBuffer
  return [
    ['a resizable buffer', new Uint8Array(resizable), 'ERR_ZC_BUFFER_RESIZABLE'],
    ['a growable shared buffer', new Uint8Array(growable), 'ERR_ZC_BUFFER_RESIZABLE'],
    ['an array with a resizable buffer', [content(8), new Uint8Array(resizable)], 'ERR_ZC_BUFFER_RESIZABLE'],
    ['a detached buffer', detached, 'ERR_ZC_BUFFER_DETACHED'],
    ['an array with a detached buffer', [content(8), detached], 'ERR_ZC_BUFFER_DETACHED'],
    ['undefined', undefined, 'ERR_ZC_INVALID_ARGUMENT'],
    ['null', null, 'ERR_ZC_INVALID_ARGUMENT'],
    ['a string', 'text', 'ERR_ZC_INVALID_ARGUMENT'],
    ['a number', 7, 'ERR_ZC_INVALID_ARGUMENT'],
    ['an object', { length: 1 }, 'ERR_ZC_INVALID_ARGUMENT'],
    ['an ArrayBuffer', new ArrayBuffer(8), 'ERR_ZC_INVALID_ARGUMENT'],
    ['a DataView', new DataView(new ArrayBuffer(8)), 'ERR_ZC_INVALID_ARGUMENT'],
    ['a Uint16Array', new Uint16Array(8), 'ERR_ZC_INVALID_ARGUMENT'],
    ['an array with a string', [content(8), 'text'], 'ERR_ZC_INVALID_ARGUMENT'],
    ['an array of numbers', [1, 2, 3], 'ERR_ZC_INVALID_ARGUMENT'],
    ['an array with a hole', new Array(2), 'ERR_ZC_INVALID_ARGUMENT'],
  ]
}

/** Options out of range or unknown, each with the name that the message must hold. */
const INVALID_OPTIONS: readonly [string, Record<string, unknown>][] = [
  ['maxInFlight', { maxInFlight: 0 }],
  ['maxInFlight', { maxInFlight: 1.5 }],
  ['maxInFlight', { maxInFlight: 1e9 }],
  ['maxInFlight', { maxInFlight: '8' }],
  ['maxQueuedWrites', { maxQueuedWrites: 0 }],
  ['minZerocopyBytes', { minZerocopyBytes: -1 }],
  ['maxJoinedBytes', { maxJoinedBytes: Number.NaN }],
  ['drainTimeoutMs', { drainTimeoutMs: Number.POSITIVE_INFINITY }],
  ['abortGraceMs', { abortGraceMs: -5 }],
  ['demoteAfterCopied', { demoteAfterCopied: null }],
  ['retryZerocopyEvery', { retryZerocopyEvery: 0 }],
  ['maxinflight', { maxinflight: 8 }],
]

/** Values that `write()` refuses as options; it takes `undefined`. */
const INVALID_WRITE_OPTIONS: readonly unknown[] = [null, 'utf8', 5, { signal: null }, { signal: {} }, { signal: 'abort' }]

export const invalidInput: ContractPromise = {
  name: 'invalid-input',
  says: 'what cannot be sent is rejected with a code that says why, and the writer goes on',
  cases: [
    {
      name: 'data or options of the wrong type, or memory that cannot be pinned',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ minZerocopyBytes: 0 })
        for (const [what, data, code] of invalidData()) {
          const error = await rejection(writer.write(data as Uint8Array), code, what)
          assert.ok(error.message.length > 0)
          assert.ok(error.code in ERROR_CODES)
        }
        for (const options of INVALID_WRITE_OPTIONS) {
          await rejection(writer.write(content(8), options as WriteOptions), 'ERR_ZC_INVALID_ARGUMENT', JSON.stringify(options))
        }
        assert.equal(writer.stats().writes, 0, 'an invalid write was accepted')
        ledger.write(content(12_000))
        const received = trial.kind === 'stream' ? await pair.peer.read(12_000) : await pair.peer.readDatagram()
        assertContent(received, 0, 'the valid write behind them')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'memory that is transferred away after the call, before it is sent',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start({ minZerocopyBytes: 0 })
        const gone = content(12_000)
        const write = rejection(writer.write(gone), 'ERR_ZC_BUFFER_DETACHED', 'a write whose memory is gone')
        structuredClone(gone.buffer, { transfer: [gone.buffer as ArrayBuffer] })
        await write
        ledger.write(content(12_000))
        if (trial.kind === 'datagram') assert.equal((await pair.peer.readDatagram()).byteLength, 0)
        const received = trial.kind === 'stream' ? await pair.peer.read(12_000) : await pair.peer.readDatagram()
        assertContent(received, 0, 'the valid write behind it')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'memory that looks unusual and is not: views, Buffers, shared memory',
      run: async (trial) => {
        const { pair, ledger } = await trial.start({ minZerocopyBytes: 0 })
        const inner = new Uint8Array(content(300).buffer, 100, 100)
        const shared = new Uint8Array(new SharedArrayBuffer(100))
        shared.set(content(100, 200))
        for (const data of [Buffer.from(content(100)), inner, shared]) {
          ledger.write(data)
          const received = trial.kind === 'stream' ? await pair.peer.read(100) : await pair.peer.readDatagram()
          assert.deepEqual([...received], [...data])
          await ledger.allReleased()
        }
        ledger.assertAllSent()
      },
    },
    {
      name: 'an option out of range is named, and so is an unknown one',
      run: async (trial) => {
        const pair = await trial.pair()
        for (const [name, options] of INVALID_OPTIONS) {
          const opening = trial.openUnowned(pair.target, options)
          opening.then((writer) => writer.abort()).catch(() => undefined)
          const error = await rejection(opening, 'ERR_ZC_INVALID_OPTION', JSON.stringify(options))
          assert.ok(error.message.includes(name), `the message does not name ${name}: ${error.message}`)
        }
        // Each refusal left the socket free.
        const writer = await trial.writer(pair)
        assert.equal(writer.stats().writes, 0)
      },
    },
    {
      name: 'a closed writer',
      run: async (trial) => {
        const { writer } = await trial.start()
        await writer.close()
        await rejection(writer.write(content(100)), 'ERR_ZC_CLOSED', 'write after close')
      },
    },
  ],
}
