// A server of media segments that it keeps in memory, as for HLS: a playlist, segments that appear and are replaced, ranges. sendBody() shares a segment
// with the kernel and says when its memory is free: a segment that is no longer listed goes back to the pool only then. A client that reads more
// slowly than the stream plays is cut off.
import { once } from 'node:events'
import http from 'node:http'
import { sendBody } from 'sendzc'

const SEGMENT_BYTES = 2 * 1024 * 1024
const LISTED_SEGMENTS = 3
/** Bytes a second. */
const MIN_RATE = 64 * 1024

/** Memory that no segment has, and memory that the kernel may still read: the number of its responses under way. */
const pool = []
const readers = new Map()
const segments = new Map()
let newest = 0
let reused = 0

function takeMemory() {
  const memory = pool.pop()
  if (memory === undefined) return Buffer.allocUnsafeSlow(SEGMENT_BYTES)
  reused++
  return memory
}

function giveBackIfFree(memory) {
  if ((readers.get(memory) ?? 0) === 0 && ![...segments.values()].includes(memory)) pool.push(memory)
}

/** What an encoder would do. */
function addSegment() {
  newest++
  segments.set(newest, takeMemory().fill(newest))
  const gone = newest - LISTED_SEGMENTS
  const memory = segments.get(gone)
  segments.delete(gone)
  if (memory !== undefined) giveBackIfFree(memory)
}

function sendSegment(response, memory, options) {
  readers.set(memory, (readers.get(memory) ?? 0) + 1)
  const { first, last } = options
  const { sent, released } = sendBody(response, memory.subarray(first, last + 1), { minRate: MIN_RATE, ...options.answer })
  sent.catch((error) => console.log(`a client was not served whole: ${error.code}`))
  released.then((outcome) => {
    readers.set(memory, readers.get(memory) - 1)
    // Memory that the kernel did not give back is never used again.
    if (outcome !== 'abandoned') giveBackIfFree(memory)
  })
}

const server = http.createServer((request, response) => {
  if (request.url === '/live.m3u8') {
    const names = [...segments.keys()].map((name) => `#EXTINF:2,\n${name}.ts`)
    return sendBody(response, Buffer.from(`#EXTM3U\n${names.join('\n')}\n`), {
      headers: { 'Content-Type': 'application/vnd.apple.mpegurl' },
    })
  }
  const memory = segments.get(Number(/^\/(\d+)\.ts$/.exec(request.url)?.[1]))
  if (memory === undefined) return response.writeHead(404).end()
  const headers = { 'Content-Type': 'video/mp2t', 'Accept-Ranges': 'bytes' }
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
  if (first === undefined) return sendSegment(response, memory, { first: 0, last: SEGMENT_BYTES - 1, answer: { headers } })
  const range = { first: Number(first), last: Math.min(Number(last), SEGMENT_BYTES - 1) }
  const part = { 'Content-Range': `bytes ${range.first}-${range.last}/${SEGMENT_BYTES}` }
  sendSegment(response, memory, { ...range, answer: { status: 206, headers: { ...headers, ...part } } })
})
for (let count = 0; count < LISTED_SEGMENTS; count++) addSegment()
await once(server.listen(0, '127.0.0.1'), 'listening')
const address = `http://127.0.0.1:${server.address().port}`

// A player, so that this file runs on its own.
let played = 0
for (let round = 0; round < 4; round++) {
  const playlist = await (await fetch(`${address}/live.m3u8`)).text()
  for (const [, name] of playlist.matchAll(/(\d+)\.ts/g)) {
    const segment = Buffer.from(await (await fetch(`${address}/${name}.ts`)).arrayBuffer())
    if (segment.length !== SEGMENT_BYTES || segment.some((byte) => byte !== Number(name))) throw new Error(`segment ${name} is wrong`)
    played++
  }
  const seek = await fetch(`${address}/${newest}.ts`, { headers: { Range: 'bytes=1000-1999' } })
  if (seek.status !== 206 || (await seek.arrayBuffer()).byteLength !== 1_000) throw new Error('the range is wrong')
  addSegment()
}

// A viewer who leaves in the middle of a segment.
const leaving = new AbortController()
const begun = await fetch(`${address}/${newest}.ts`, { signal: leaving.signal })
await begun.body.getReader().read()
leaving.abort()
const after = await fetch(`${address}/${newest}.ts`)
if ((await after.arrayBuffer()).byteLength !== SEGMENT_BYTES) throw new Error('the segment after one that was aborted is wrong')

server.close()
server.closeIdleConnections()
await once(server, 'close')
console.log(`played ${played} segments; memory was used again ${reused} times; closed`)
