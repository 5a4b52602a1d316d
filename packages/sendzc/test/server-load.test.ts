import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleProgram } from '@sendzc/core/fixtures'
import { expect, it } from 'vitest'
import type { LoadReport } from './children/load-server.js'

/** An hour by count: 1,000 slow clients, each of which takes a response of 256 KiB a minute. `SENDZC_LOAD=hour` runs it. */
const HOUR = { slow: 1_000, aborting: 200, responses: 60_000, pauseMs: 400, maxHoldMs: 15_000, timeoutMs: 3_600_000 }
const SHORT = { slow: 100, aborting: 20, responses: 1_500, pauseMs: 20, maxHoldMs: 2_000, timeoutMs: 100_000 }
const load = process.env.SENDZC_LOAD === 'hour' ? HOUR : SHORT
/** Time, in ms, after the bound for it, at which a client that never reads looks again. */
const LISTEN_LATER_MS = 2_000
const SAMPLE_EVERY_MS = 250
/** Growth of the server's memory, from the second quarter of the run to the last, that is not a leak: pages of the allocator and of the heap. */
const MAX_GROWTH_BYTES = 33_554_432
const SETTLE_TIMEOUT_MS = 30_000

const run = promisify(execFile)
const programOf = (name: string): Promise<string> => bundleProgram(fileURLToPath(new URL(`./children/${name}.ts`, import.meta.url)))

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] as number
}

it.each(['errqueue', 'uring'])(
  `a server over %s loses nothing to ${load.slow} slow clients and ${load.aborting} that leave: ${load.responses} responses`,
  async (backend) => {
    const server = fork(await programOf('load-server'), [backend, String(load.maxHoldMs)])
    try {
      const [port] = (await once(server, 'message')) as [number]
      const ended = once(server, 'exit').then(([status, signal]) => {
        throw new Error(`the server ended: ${String(status ?? signal)}`)
      })
      ended.catch(() => undefined)
      const ask = async (): Promise<LoadReport> => {
        server.send('report')
        return ((await Promise.race([once(server, 'message'), ended])) as [LoadReport])[0]
      }
      const before = await ask()
      const samples: LoadReport[] = []
      let isRunning = true
      const { slow, aborting, responses, pauseMs, maxHoldMs, timeoutMs } = load
      const args = [await programOf('load-clients'), ...[port, slow, aborting, responses, pauseMs, maxHoldMs + LISTEN_LATER_MS].map(String)]
      const clients = run(process.execPath, args, { timeout: timeoutMs }).finally(() => {
        isRunning = false
      })
      while (isRunning) {
        samples.push(await ask())
        await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS))
      }
      const seen = JSON.parse((await clients).stdout) as Record<string, number>
      expect(seen).toMatchObject({ wrong: 0, lost: 0 })
      expect(Math.min(seen.aborted ?? 0, seen.reset ?? 0)).toBeGreaterThan(0)

      // Everybody has left: nothing may be held for them.
      const deadlineMs = performance.now() + SETTLE_TIMEOUT_MS
      let after = await ask()
      while (after.open + after.pinnedBytes > 0 && performance.now() < deadlineMs) {
        await new Promise((resolve) => setTimeout(resolve, SAMPLE_EVERY_MS))
        after = await ask()
      }
      const quarter = samples.length >> 2
      const rss = samples.map(({ rssBytes }) => rssBytes)
      const growth = median(rss.slice(-quarter)) - median(rss.slice(quarter, quarter * 2))
      if (load === HOUR) console.log({ backend, seen, growth, most: Math.max(...rss), after, samples: samples.length })
      expect(after).toMatchObject({ pinnedBytes: 0, open: 0, process: { pinnedBytes: 0, leakedBytes: 0 } })
      expect(after.sent + after.failed).toBe(after.begun)
      const { abandoned = 0, ...settled } = after.released
      expect([abandoned, Object.values(settled).reduce((sum, count) => sum + count, 0)]).toEqual([0, after.begun])
      // A ring, and whatever the program opened once.
      expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(8)
      expect(after.resets.held).toBeGreaterThan(0)
      expect(growth).toBeLessThan(MAX_GROWTH_BYTES)
    } finally {
      server.kill('SIGKILL')
    }
  },
  load.timeoutMs + SETTLE_TIMEOUT_MS,
)
