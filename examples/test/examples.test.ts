import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'

const folder = resolve(import.meta.dirname, '..')
const run = promisify(execFile)
/** Time, in ms, that an example has: a thousand connections that share a busy machine with other tests need most of it. */
const RUN_MS = 90_000

describe('examples', () => {
  const expected: Record<string, RegExp> = {
    'broadcast.mjs':
      /999 of 999 peers have 1048576 bytes each, released: (copied|zerocopy)\nthe stalled peer: ERR_ZC_ABORTED, its memory: (copied|zerocopy)/,
    'serve-memory.mjs': /received 33554432 bytes/,
    'opentelemetry-metrics.mjs': /sendzc\.sent 1048576 \{\}[\s\S]+received 1048576 bytes/,
    'cached-objects.mjs': /GET 200, HEAD 200, Range 206, If-None-Match 304[\s\S]+aborted one, then served 2 more[\s\S]+closed/,
    'pipe-stream.mjs': /received 16777216 bytes/,
    'prometheus-metrics.mjs': /\nsendzc_sent_bytes_total 1048576\n[\s\S]+received 1048576 bytes/,
    'rtp-to-many.mjs':
      /30 frames to 100 receivers: 3000 writes in \d\d system calls, 0 failed\nreceived \d+ packets, 0 out of order or damaged/,
    'udp-datagrams.mjs': /200 datagrams sent: 200 (copied|zerocopy)/,
  }
  const names = readdirSync(folder).filter((name) => name.endsWith('.mjs'))

  it('are all expected to print something', () => {
    expect(names.sort()).toEqual(Object.keys(expected).sort())
  })

  for (const name of names) {
    it(
      `${name} runs to its end`,
      async () => {
        const { stdout } = await run(process.execPath, [join(folder, name)], { timeout: RUN_MS })
        expect(stdout).toMatch(expected[name] as RegExp)
      },
      RUN_MS,
    )
  }
})
