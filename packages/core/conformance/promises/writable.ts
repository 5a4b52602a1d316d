import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReleaseOutcome } from '../../src/errors.js'
import { toWritable } from '../../src/stream.js'
import { bounded, quietTurns } from '../bounded.js'
import { assertContent, content, fillContent, POISON } from '../content.js'
import type { ContractPromise } from '../contract.js'

export const writable: ContractPromise = {
  name: 'writable',
  says: 'toWritable gives a Writable with order, backpressure and an end that waits for every release',
  cases: [
    {
      name: 'pipeline sends everything in order, and ends when all is released',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer } = await trial.start()
        const chunks = Array.from({ length: 100 }, (_, index) =>
          content(index % 2 === 0 ? 16_000 : 100, Math.ceil(index / 2) * 16_000 + Math.floor(index / 2) * 100),
        )
        const total = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
        const piping = pipeline(Readable.from(chunks), toWritable(writer))
        assertContent(await pair.peer.read(total), 0, 'stream')
        await bounded(piping, 'end of the pipeline')
        const { inFlight, queuedWrites, bytesSent } = writer.stats()
        assert.deepEqual([inFlight, queuedWrites, bytesSent], [0, 0, total])
        await writer.close()
      },
    },
    {
      name: 'a chunk is a datagram',
      kinds: ['datagram'],
      run: async (trial) => {
        const { pair, writer } = await trial.start()
        const stream = toWritable(writer)
        for (let index = 0; index < 10; index++) {
          stream.write(content(1_000 + index, index))
          const datagram = await pair.peer.readDatagram()
          assert.equal(datagram.byteLength, 1_000 + index)
          assertContent(datagram, index, 'datagram')
        }
        stream.end()
        await bounded(once(stream, 'finish'), 'finish')
        assert.equal(writer.stats().inFlight, 0)
      },
    },
    {
      name: 'write returns false while the peer does not read, and drain follows when it does',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer } = await trial.start()
        const stream = toWritable(writer, { highWaterMark: 65_536 })
        pair.peer.pause()
        const bytes = Math.ceil(pair.stallBytes / 8)
        let written = 0
        while (written < 2 * pair.stallBytes) {
          const more = stream.write(content(bytes, written))
          written += bytes
          if (!more && written > pair.stallBytes) break
          if (!more) await Promise.race([once(stream, 'drain'), quietTurns()])
        }
        assert.equal(stream.writableNeedDrain, true)
        const drained = once(stream, 'drain')
        pair.peer.resume()
        assertContent(await pair.peer.read(written), 0, 'stream')
        await bounded(drained, 'drain')
        stream.end()
        await bounded(once(stream, 'finish'), 'finish')
        assert.equal(writer.stats().inFlight, 0)
      },
    },
    {
      name: 'corked chunks stay in order',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer } = await trial.start()
        const stream = toWritable(writer)
        stream.cork()
        for (let index = 0; index < 50; index++) stream.write(content(700, index * 700))
        stream.uncork()
        assertContent(await pair.peer.read(50 * 700), 0, 'stream')
        stream.end()
        await bounded(once(stream, 'finish'), 'finish')
      },
    },
    {
      name: 'a producer reuses a chunk once it is told, and what is not released holds the stream back',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer } = await trial.start()
        const [chunkBytes, chunks, rounds] = [20_000, 4, 40]
        const free: Buffer[] = Array.from({ length: chunks }, () => Buffer.alloc(chunkBytes))
        let position = 0
        let mostUnreleased = 0
        let waiting: (() => void) | undefined
        const outcomes = new Set<ReleaseOutcome>()
        const stream = toWritable(writer, {
          highWaterMark: chunkBytes,
          onReleased: (chunk, outcome) => {
            outcomes.add(outcome)
            // What a producer that starts at once would make of it.
            chunk.fill(POISON)
            free.push(chunk)
            waiting?.()
          },
        })
        const reading = pair.peer.read(chunkBytes * rounds)
        while (position < chunkBytes * rounds) {
          const chunk = free.pop()
          if (chunk === undefined) {
            await bounded(
              new Promise<void>((resolve) => {
                waiting = resolve
              }),
              'release of a chunk',
            )
            continue
          }
          fillContent(chunk, position)
          position += chunkBytes
          if (!stream.write(chunk)) await bounded(once(stream, 'drain'), 'drain')
          mostUnreleased = Math.max(mostUnreleased, writer.stats().bytesInFlight)
        }
        const finished = once(stream, 'finish')
        stream.end()
        assertContent(await reading, 0, 'stream')
        await bounded(finished, 'finish')
        assert.equal(free.length, chunks, 'a chunk was not given back, or twice')
        assert.ok(mostUnreleased <= 2 * chunkBytes, `${mostUnreleased} bytes were in flight, with a highWaterMark of ${chunkBytes}`)
        assert.ok(!outcomes.has('abandoned'))
      },
    },
    {
      name: 'a stream that is destroyed gives every chunk back, each once',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer } = await trial.start()
        const back: unknown[] = []
        const stream = toWritable(writer, { onReleased: (chunk) => back.push(chunk) })
        stream.on('error', () => undefined)
        pair.peer.pause()
        const chunks = Array.from({ length: 20 }, (_, index) =>
          Buffer.from(content(index === 0 ? pair.stallBytes : 1_000).buffer as ArrayBuffer),
        )
        for (const chunk of chunks) stream.write(chunk)
        await quietTurns()
        const early = back.length
        const closed = new Promise((resolve) => stream.once('close', resolve))
        stream.destroy(new Error('enough'))
        await bounded(closed, 'close')
        await quietTurns()
        assert.ok(early < chunks.length)
        assert.deepEqual(new Set(back), new Set(chunks))
        assert.equal(back.length, chunks.length)
      },
    },
    {
      name: 'a source that fails aborts the writer',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        pair.peer.pause()
        ledger.write(content(pair.stallBytes))
        const failing = Readable.from(
          (function* () {
            yield content(20_000)
            throw new Error('the source failed')
          })(),
        )
        await assert.rejects(bounded(pipeline(failing, toWritable(writer)), 'failure of the pipeline'), /the source failed/)
        await ledger.allReleased()
        assert.equal(ledger.count('failed'), 1)
      },
    },
  ],
}
