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
    'file-server.mjs': /whole 200, range 206, beyond 416, known 304, outside 400/,
    'log-shipper.mjs': /16 of them are back\nreceived \d+ bytes, the same/,
    'opentelemetry-metrics.mjs': /sendzc\.sent 1048576 \{\}[\s\S]+received 1048576 bytes/,
    'cached-objects.mjs':
      /GET 200, HEAD 200, Range 206, If-None-Match 304[\s\S]+3 pipelined[\s\S]+aborted one, then served 2 more[\s\S]+closed/,
    'express-app.mjs': /served 3 reports and 1 small answer; sockets that shared memory: [1-9]/,
    'media-segments.mjs': /played 12 segments; memory was used again [1-9]\d* times; closed/,
    'pipe-stream.mjs': /received 16777216 bytes/,
    'prometheus-metrics.mjs': /\nsendzc_sent_bytes_total 1048576\n[\s\S]+received 1048576 bytes/,
    'rtp-to-many.mjs':
      /30 frames to 100 receivers: 3000 writes in \d\d system calls, 0 failed\nreceived \d+ packets, 0 out of order or damaged/,
    'udp-datagrams.mjs': /200 datagrams sent: 200 (copied|zerocopy)/,
    'websocket-broadcast.mjs': /60 messages of 1000000 bytes arrived at 20 clients[\s\S]+shared with the kernel/,
  }
  /** An app that knows nothing of the library is started with it. */
  const flags: Record<string, string[]> = { 'express-app.mjs': ['--import', 'sendzc/register'] }
  const names = readdirSync(folder).filter((name) => name.endsWith('.mjs'))

  it('are all expected to print something', () => {
    expect(names.sort()).toEqual(Object.keys(expected).sort())
  })

  for (const name of names) {
    it(
      `${name} runs to its end`,
      async () => {
        const { stdout } = await run(process.execPath, [...(flags[name] ?? []), join(folder, name)], { timeout: RUN_MS, cwd: folder })
        expect(stdout).toMatch(expected[name] as RegExp)
      },
      RUN_MS,
    )
  }
})
