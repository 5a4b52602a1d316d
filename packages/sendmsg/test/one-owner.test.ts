import { once } from 'node:events'
import type { Worker } from 'node:worker_threads'
import { tcpPairs } from '@sendzc/core/conformance'
import { bounded } from '@sendzc/core/fixtures'
import { describe, expect, it } from 'vitest'
import { copy, errqueue } from '../src/index.js'
import { startWorker } from './children/child.js'
import type { OwnerReport } from './children/owner-worker.js'

const TEST_MS = 60_000
const refused = { code: 'ERR_ZC_SOCKET_OWNED', errno: 'EBUSY', remedy: expect.stringContaining('copy()') }
const sink = { sent: () => undefined, released: () => undefined, wake: () => undefined }
const open = (fd: number, backend = errqueue()) => backend.open({ fd, sink, maxInFlight: 4 })

async function openInWorker(fd: number, backend: string): Promise<{ worker: Worker; report: OwnerReport }> {
  const worker = await startWorker('./owner-worker.ts', { fd, backend })
  const [report] = (await bounded(once(worker, 'message'), 'answer of the worker', TEST_MS)) as [OwnerReport]
  return { worker, report }
}

describe('a socket whose notifications are read has one owner in the process', () => {
  it('in one thread: the second is refused until the first is closed', async () => {
    const pair = await tcpPairs('127.0.0.1')()
    const first = open(pair.fd)
    expect(() => open(pair.fd)).toThrow(expect.objectContaining(refused))
    open(pair.fd, copy()).close()
    first.close()
    open(pair.fd).close()
    await pair.dispose()
  })

  it(
    'in two threads: a worker is refused what the main thread has, and may copy',
    async () => {
      const pair = await tcpPairs('127.0.0.1')()
      const first = open(pair.fd)
      const { worker, report } = await openInWorker(pair.fd, 'errqueue recvmsg')
      expect(report).toEqual({ code: refused.code, remedy: refused.remedy })
      await worker.terminate()
      const copying = await openInWorker(pair.fd, 'copy')
      expect(copying.report.code).toBe('opened')
      await copying.worker.terminate()
      first.close()
      await pair.dispose()
    },
    TEST_MS,
  )

  it(
    'the end of a thread gives up what it had',
    async () => {
      const pair = await tcpPairs('127.0.0.1')()
      const { worker, report } = await openInWorker(pair.fd, 'errqueue recvmmsg')
      expect(report.code).toBe('opened')
      expect(() => open(pair.fd)).toThrow(expect.objectContaining(refused))
      await worker.terminate()
      open(pair.fd).close()
      await pair.dispose()
    },
    TEST_MS,
  )
})
