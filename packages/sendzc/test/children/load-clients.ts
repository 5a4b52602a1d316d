// Clients of load-server.ts: slow ones that read in slices, on one connection each; ones that leave in the middle of a response, over and over; and
// ones that never read. Ends when the slow ones have their responses, and each of the others has
// left, or was reset, at least once.
//   load-clients.ts PORT SLOW ABORTING RESPONSES PAUSE_MS LISTEN_AFTER_MS
import net from 'node:net'

const BODY_BYTES = 262_144
/** For so many slow clients there is one that never reads, until the server resets it. */
const ONE_IN_NEVER_READS = 50
const TICK_MS = 5
/** Time, in ms, that the others have to be served before the slow clients come. */
const SLOW_AFTER_MS = 1_000

// Those that never read look again after more than the server's bound for them.
const [port = 0, slow = 0, aborting = 0, responses = 0, pauseMs = 0, listenAfterMs = 0] = process.argv.slice(2).map(Number)
const counts = { responses: 0, wrong: 0, aborted: 0, reset: 0, lost: 0 }
const due: { socket: net.Socket; atMs: number }[] = []
let isOver = false

const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: load\r\n\r\n`

function slowClient(): void {
  const socket = net.connect(port, '127.0.0.1')
  let left = 0
  const ask = (): void => {
    left = -1
    socket.write(request('/'))
  }
  socket.on('connect', ask)
  socket.on('error', () => counts.lost++)
  socket.on('data', (chunk: Buffer) => {
    const head = left < 0 ? chunk.indexOf('\r\n\r\n') + 4 : 0
    if (left < 0) {
      if (!/Content-Length: 262144/.test(chunk.subarray(0, head).toString('latin1'))) counts.wrong++
      left = BODY_BYTES
    }
    left -= chunk.length - head
    if (left <= 0) {
      if (left < 0) counts.wrong++
      counts.responses++
      ask()
    }
    socket.pause()
    due.push({ socket, atMs: performance.now() + pauseMs })
  })
}

function neverReads(): void {
  if (isOver) return
  const socket = net.connect(port, '127.0.0.1', () => {
    socket.write(request('/large'))
  })
  socket.pause()
  // Paused, the socket does not hear of its end.
  setTimeout(() => socket.resume(), listenAfterMs)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    counts.reset++
    neverReads()
  })
}

function abortingClient(): void {
  if (isOver) return
  const socket = net.connect(port, '127.0.0.1', () => {
    socket.write(request('/'))
  })
  socket.on('error', () => undefined)
  socket.once('data', () => {
    if (counts.aborted % 2 === 0) socket.resetAndDestroy()
    else socket.destroy()
  })
  socket.once('close', () => {
    counts.aborted++
    setTimeout(abortingClient, pauseMs)
  })
}

function end(): void {
  if (isOver) return
  isOver = true
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0))
}

// These first: Node.js accepts one connection in each turn of a loop that the slow clients keep busy.
for (let index = 0; index < slow / ONE_IN_NEVER_READS; index++) neverReads()
for (let index = 0; index < aborting; index++) abortingClient()
setTimeout(() => {
  for (let index = 0; index < slow; index++) slowClient()
}, SLOW_AFTER_MS)
setInterval(() => {
  const nowMs = performance.now()
  if (counts.responses >= responses && counts.reset > 0 && counts.aborted >= aborting) end()
  while (due[0] !== undefined && due[0].atMs <= nowMs) due.shift()?.socket.resume()
}, TICK_MS)
