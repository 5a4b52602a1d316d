// A server of objects that it keeps in memory: GET, HEAD, Range, If-None-Match, keep-alive, pipelining, clients that leave, and an end that loses nothing. It is plain node:http;
// one word makes the kernel send from the cache itself. An object is replaced as a whole, and never changed: what is being sent stays as it is.
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { zeroCopy, zeroCopyStats } from 'sendzc'

const objects = new Map()

function store(path, body) {
  objects.set(path, { body, etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 16)}"` })
}

/** First and last byte that a Range header asks for; undefined: none, or more than one range, which a server may ignore. */
function rangeOf(header, length) {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === undefined || (first === '' && last === '')) return undefined
  if (first === '') return [Math.max(0, length - Number(last)), length - 1]
  return [Number(first), last === '' ? length - 1 : Math.min(Number(last), length - 1)]
}

const server = zeroCopy(
  http.createServer((request, response) => {
    const object = objects.get(request.url)
    if (object === undefined) return response.writeHead(404).end()
    if (request.method !== 'GET' && request.method !== 'HEAD') return response.writeHead(405, { Allow: 'GET, HEAD' }).end()
    const { body, etag } = object
    if (request.headers['if-none-match'] === etag) return response.writeHead(304, { ETag: etag }).end()
    const headers = { ETag: etag, 'Accept-Ranges': 'bytes', 'Content-Type': 'application/octet-stream' }
    const range = rangeOf(request.headers.range, body.length)
    if (range === undefined) {
      response.writeHead(200, { ...headers, 'Content-Length': body.length })
      return response.end(request.method === 'HEAD' ? undefined : body)
    }
    const [first, last] = range
    if (first > last) return response.writeHead(416, { 'Content-Range': `bytes */${body.length}` }).end()
    response.writeHead(206, { ...headers, 'Content-Length': last - first + 1, 'Content-Range': `bytes ${first}-${last}/${body.length}` })
    // A view of the same memory: nothing is copied here either.
    response.end(request.method === 'HEAD' ? undefined : body.subarray(first, last + 1))
  }),
)
store('/segment', Buffer.alloc(4 * 1024 * 1024, 'segment'))
await once(server.listen(0, '127.0.0.1'), 'listening')

// The other end, so that this file runs on its own.
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })

async function ask(method, headers = {}) {
  const request = http.request({ port: server.address().port, host: '127.0.0.1', path: '/segment', method, headers, agent }).end()
  const [response] = await once(request, 'response')
  const chunks = []
  for await (const chunk of response) chunks.push(chunk)
  return { status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) }
}

function check(what, condition) {
  if (!condition) throw new Error(`wrong: ${what}`)
}

const { body } = objects.get('/segment')
const whole = await ask('GET')
check('the whole object', whole.bytes.equals(body))
const head = await ask('HEAD')
check('HEAD has a length and no body', head.bytes.length === 0 && head.headers['content-length'] === String(body.length))
const part = await ask('GET', { Range: 'bytes=100-1000099' })
check('a range', part.bytes.equals(body.subarray(100, 1_000_100)) && part.headers['content-range'] === `bytes 100-1000099/${body.length}`)
const known = await ask('GET', { 'If-None-Match': whole.headers.etag })
console.log(`GET ${whole.status}, HEAD ${head.status}, Range ${part.status}, If-None-Match ${known.status}, on one connection`)

// Three requests at once, on one connection: the answers come in their order.
const pipelined = net.connect(server.address().port, '127.0.0.1')
const ranges = ['bytes=0-99', 'bytes=100-2000099', 'bytes=5-6']
pipelined.write(ranges.map((range) => `GET /segment HTTP/1.1\r\nHost: a\r\nRange: ${range}\r\n\r\n`).join(''))
let answers = Buffer.alloc(0)
for (const range of ranges) {
  const [first, last] = range.match(/\d+/g).map(Number)
  while (!answers.includes('\r\n\r\n') || answers.length < answers.indexOf('\r\n\r\n') + 4 + last - first + 1)
    answers = Buffer.concat([answers, ...(await once(pipelined, 'data'))])
  const begin = answers.indexOf('\r\n\r\n') + 4
  const end = begin + last - first + 1
  check('a pipelined answer', answers.subarray(begin, end).equals(body.subarray(first, last + 1)))
  answers = answers.subarray(end)
}
pipelined.destroy()
console.log(`${ranges.length} pipelined requests were answered in their order`)

const leaving = http.get({ port: server.address().port, host: '127.0.0.1', path: '/segment', agent: false })
const [begun] = await once(leaving, 'response')
begun.on('error', () => undefined)
leaving.on('error', () => undefined)
leaving.destroy()
for (let time = 0; time < 2; time++) check('a request after one that was aborted', (await ask('GET')).bytes.equals(body))
console.log('aborted one, then served 2 more')

// No new connection, no new request; what is under way is finished.
const last = ask('GET')
await once(server, 'request')
const closed = once(server.close(), 'close')
check('a response that was under way', (await last).bytes.equals(body))
agent.destroy()
server.closeIdleConnections()
await closed
const { sharedWrites, outcomes } = zeroCopyStats()
console.log(`closed; ${sharedWrites} responses were shared with the kernel: ${outcomes.zerocopy} zero-copy, ${outcomes.copied} copied`)
