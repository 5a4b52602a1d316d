// Serves shared bodies to the clients of load-clients.ts, and answers to each message of its parent with what it holds.
//   load-server.ts BACKEND MAX_HOLD_MS
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { errqueue, sendBody, uring, zeroCopy, zeroCopyStats } from '../../src/index.js'

/** What the server says of itself. */
export interface LoadReport {
  rssBytes: number
  descriptors: number
  begun: number
  sent: number
  failed: number
  released: Record<string, number>
  pinnedBytes: number
  process: { pinnedBytes: number; leakedBytes: number }
  open: number
  resets: { held: number; slow: number }
  ownPathPinned: number
}

const BODY_BYTES = 262_144
/** Beyond what the buffers of a connection take, so that a peer that does not read holds memory. */
const STALL_BYTES = 16_000_000

const [name, maxHoldMs] = process.argv.slice(2)
const backend = name === 'uring' ? uring() : errqueue()
const body = Buffer.alloc(BODY_BYTES, 'body')
const large = Buffer.alloc(STALL_BYTES, 'large')
const counts = { begun: 0, sent: 0, failed: 0 }
const released: Record<string, number> = {}

const server = zeroCopy(
  http.createServer((request, response) => {
    counts.begun++
    try {
      const sending = sendBody(response, request.url === '/large' ? large : body)
      sending.sent.then(
        () => counts.sent++,
        () => counts.failed++,
      )
      void sending.released.then((outcome) => {
        released[outcome] = (released[outcome] ?? 0) + 1
      })
    } catch {
      // The client has left between its request and this answer.
      counts.begun--
    }
  }),
  { backend, demoteAfterCopied: 0, maxHoldMs: Number(maxHoldMs), idleCloseMs: 500, maxPinnedBytes: 1_073_741_824 },
)

function report(): LoadReport {
  const { pinnedBytes, process: whole, open, resets, ownPath } = zeroCopyStats()
  return {
    rssBytes: process.memoryUsage.rss(),
    descriptors: readdirSync('/proc/self/fd').length,
    ...counts,
    released,
    pinnedBytes,
    process: whole,
    open,
    resets,
    ownPathPinned: ownPath.pinned,
  }
}

await once(server.listen(0, '127.0.0.1', 4_096), 'listening')
process.on('message', () => process.send?.(report()))
process.once('disconnect', () => process.exit(0))
process.send?.((server.address() as AddressInfo).port)
