import assert from 'node:assert/strict'
import { mkdtemp, open, readdir, readlink, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bounded, quietTurns, until } from '../bounded.js'
import { assertContent, content } from '../content.js'
import type { ContractPromise } from '../contract.js'
import type { Trial } from '../trial.js'
import { rejection } from '../write-ledger.js'

/** A file whose bytes are those of the test content from position `from` on, in a folder that goes with the case. */
async function makeFile(trial: Trial, bytes: number, from = 0): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sendzc-files-'))
  trial.onDispose(() => rm(folder, { recursive: true }))
  const path = join(folder, 'content')
  await writeFile(path, content(bytes, from))
  return path
}

/** Descriptors of this process that refer to the file. */
async function descriptorsOf(path: string): Promise<number> {
  const names = await readdir('/proc/self/fd')
  const targets = await Promise.all(names.map((name) => readlink(`/proc/self/fd/${name}`).catch(() => '')))
  return targets.filter((target) => target === path).length
}

export const files: ContractPromise = {
  name: 'files',
  says: 'a range of a file leaves in its place among the writes, whole or not at all',
  cases: [
    {
      name: 'between writes, and the descriptor is closed at once',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const path = await makeFile(trial, 300_000, 20_000)
        const handle = await open(path)
        ledger.write(content(20_000))
        const file = ledger.observe(writer.writeFile(handle))
        const same = ledger.observe(writer.writeFile(handle.fd, { start: 0, end: 99_999 }))
        await handle.close()
        ledger.write(content(20_000, 420_000))
        assertContent(await pair.peer.read(320_000), 0, 'what stands before the second range')
        assertContent(await pair.peer.read(100_000), 20_000, 'the second range')
        assertContent(await pair.peer.read(20_000), 420_000, 'the write behind')
        await ledger.allReleased()
        ledger.assertAllSent()
        assert.deepEqual([file.sent?.bytes, file.outcome], [300_000, 'copied'])
        assert.equal(same.sent?.bytes, 100_000)
        assert.equal(writer.stats().fileBytes, 400_000)
        assert.equal(writer.stats().bytesSent, 440_000)
        assert.equal(await descriptorsOf(path), 0, 'a descriptor of the file stays open')
      },
    },
    {
      name: 'ranges: both ends count, an empty file is nothing, and what is appended later stays out',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const handle = await open(await makeFile(trial, 100_000), 'r+')
        trial.onDispose(() => handle.close())
        const empty = await open(await makeFile(trial, 0))
        trial.onDispose(() => empty.close())
        ledger.observe(writer.writeFile(empty))
        ledger.observe(writer.writeFile(handle, { start: 0, end: 0 }))
        ledger.observe(writer.writeFile(handle, { start: 1, end: 9_999 }))
        ledger.observe(writer.writeFile(handle, { start: 10_000 }))
        ledger.observe(writer.writeFile(handle, { start: 100_000 }))
        await handle.write(content(50_000), 0, 50_000, 100_000)
        await ledger.allReleased()
        ledger.assertAllSent()
        assert.deepEqual(
          ledger.writes.map(({ sent }) => sent?.bytes),
          [0, 1, 9_999, 90_000, 0],
        )
        assertContent(await pair.peer.read(100_000), 0, 'the ranges')
        await quietTurns()
        assert.equal(pair.peer.unreadBytes, 0, 'more arrived than the ranges have')
      },
    },
    {
      name: 'a peer that does not read: the file waits, and so does what stands behind it',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const handle = await open(await makeFile(trial, pair.stallBytes))
        trial.onDispose(() => handle.close())
        pair.peer.pause()
        const file = ledger.observe(writer.writeFile(handle))
        const behind = ledger.write(content(50_000, pair.stallBytes))
        await quietTurns()
        const stats = writer.stats()
        assert.deepEqual([file.state, behind.state, stats.queuedWrites], ['pending', 'pending', 2])
        assert.equal(stats.queuedBytes + stats.bytesSent, pair.stallBytes + 50_000)
        pair.peer.resume()
        const closing = writer.close()
        assertContent(await pair.peer.read(pair.stallBytes + 50_000), 0, 'stream')
        await closing
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'what cannot be sent is refused with a code, and nothing else is lost',
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const path = await makeFile(trial, 1_000)
        const handle = await open(path)
        trial.onDispose(() => handle.close())
        if (trial.kind === 'datagram') {
          await rejection(writer.writeFile(handle), 'ERR_ZC_UNSUPPORTED_SOCKET', 'a file to a datagram socket')
        } else {
          const closed = await open(path)
          await closed.close()
          const folder = await open(join(path, '..'))
          trial.onDispose(() => folder.close())
          const refused: [Promise<unknown>, string][] = [
            [writer.writeFile(handle, { end: 1_000 }), 'ERR_ZC_FILE_RANGE'],
            [writer.writeFile(handle, { start: 1_001 }), 'ERR_ZC_FILE_RANGE'],
            [writer.writeFile(handle, { start: 10, end: 9 }), 'ERR_ZC_FILE_RANGE'],
            [writer.writeFile(handle, { start: -1 }), 'ERR_ZC_INVALID_ARGUMENT'],
            [writer.writeFile(handle, { end: 1.5 }), 'ERR_ZC_INVALID_ARGUMENT'],
            [writer.writeFile(path as never), 'ERR_ZC_INVALID_ARGUMENT'],
            [writer.writeFile(closed), 'ERR_ZC_BAD_DESCRIPTOR'],
            [writer.writeFile(folder), 'ERR_ZC_NOT_A_FILE'],
            [writer.writeFile(handle, { signal: AbortSignal.abort() }), 'ERR_ZC_ABORTED'],
          ]
          for (const [promise, code] of refused) await rejection(promise, code as never, code)
        }
        ledger.write(content(1_000))
        const received = trial.kind === 'stream' ? await pair.peer.read(1_000) : await pair.peer.readDatagram()
        assertContent(received, 0, 'the write behind them')
        await ledger.allReleased()
        ledger.assertAllSent()
      },
    },
    {
      name: 'cut off while it is sent: the stream has ended, and no later byte arrives',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const path = await makeFile(trial, pair.stallBytes)
        const handle = await open(path)
        pair.peer.pause()
        ledger.observe(writer.writeFile(handle))
        ledger.write(content(3_000, pair.stallBytes))
        await handle.close()
        await quietTurns()
        await truncate(path, writer.stats().bytesSent)
        pair.peer.resume()
        await ledger.allReleased()
        const { bytesSent } = writer.stats()
        assert.deepEqual(
          ledger.writes.map(({ error }) => error?.code),
          ['ERR_ZC_FILE_TRUNCATED', 'ERR_ZC_FILE_TRUNCATED'],
        )
        await rejection(writer.write(content(1)), 'ERR_ZC_FILE_TRUNCATED', 'a write after it')
        assert.equal((await bounded(writer.ended, 'the end of the writer'))?.name, 'ZeroCopyError')
        assertContent(await pair.peer.read(bytesSent), 0, 'what was sent')
        await writer.close()
        await quietTurns()
        assert.equal(pair.peer.unreadBytes, 0, 'bytes arrived in the place of lost ones')
        assert.equal(await descriptorsOf(path), 0, 'a descriptor of the file stays open')
      },
    },
    {
      name: 'a signal takes a file out of the queue, and stops the waiting for one that was begun',
      kinds: ['stream'],
      run: async (trial) => {
        const { pair, writer, ledger } = await trial.start()
        const handle = await open(await makeFile(trial, pair.stallBytes))
        trial.onDispose(() => handle.close())
        pair.peer.pause()
        const controller = new AbortController()
        const { signal } = controller
        const begun = ledger.observe(writer.writeFile(handle, { signal }))
        const queued = ledger.observe(writer.writeFile(handle, { signal }))
        // A file that the page cache lacks is read first.
        await until(() => writer.stats().fileBytes > 0, 'the first file begins')
        await quietTurns()
        controller.abort()
        await ledger.allSettled()
        assert.deepEqual([begun.error?.code, queued.error?.code], ['ERR_ZC_ABORTED', 'ERR_ZC_ABORTED'])
        ledger.write(content(20_000, pair.stallBytes))
        pair.peer.resume()
        assertContent(await pair.peer.read(pair.stallBytes + 20_000), 0, 'stream')
        await ledger.allReleased()
        await quietTurns()
        assert.equal(pair.peer.unreadBytes, 0, 'bytes of the aborted file arrived')
      },
    },
  ],
}
