// A server of static files: node:http reads the requests and writes the heads, and the kernel sends the files. Range, conditional requests, HEAD, keep-alive.
//   node file-server.mjs FOLDER [PORT]    serves; without arguments it serves a file to itself, and ends
import { once } from 'node:events'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { auto, openWriter } from 'sendzc'

/** One writer for each connection. node:http goes on writing to the socket: everything leaves in the order of the calls. */
const writers = new WeakMap()

function serve(folder) {
  const server = http.createServer((request, response) => {
    answer(folder, request, response).catch((error) => {
      // Half a file can't be taken back: the client must see that it is half.
      if (response.headersSent) request.socket.destroy(error)
      else response.writeHead(error.code === 'ENOENT' || error.code === 'ENOTDIR' ? 404 : 500).end()
    })
  })
  server.on('connection', (socket) => {
    socket.on('error', () => undefined)
    const opened = openWriter(socket, { backend: auto() })
    opened.catch(() => socket.destroy())
    writers.set(socket, opened)
  })
  return server
}

async function answer(folder, request, response) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return response.writeHead(405, { Allow: 'GET, HEAD' }).end()
  const path = pathOf(request.url)
  if (path === undefined) return response.writeHead(400).end()
  const file = await open(join(folder, path))
  try {
    const stats = await file.stat()
    if (!stats.isFile()) return response.writeHead(404).end()
    const modified = Math.floor(stats.mtimeMs / 1_000)
    const validators = {
      ETag: `"${modified.toString(16)}-${stats.size.toString(16)}"`,
      'Last-Modified': new Date(modified * 1_000).toUTCString(),
    }
    const status = precondition(request.headers, validators)
    if (status !== undefined) return response.writeHead(status, status === 304 ? validators : {}).end()
    const range = rangeOf(request.headers, validators, stats.size)
    if (range === null) return response.writeHead(416, { 'Content-Range': `bytes */${stats.size}` }).end()
    const [start, end] = range ?? [0, stats.size - 1]
    response.writeHead(range === undefined ? 200 : 206, {
      ...validators,
      'Content-Length': end - start + 1,
      'Content-Type': 'application/octet-stream',
      ...(range === undefined ? { 'Accept-Ranges': 'bytes' } : { 'Content-Range': `bytes ${start}-${end}/${stats.size}` }),
    })
    response.flushHeaders()
    if (request.method === 'GET' && end >= start) await (await writers.get(request.socket)).writeFile(file, { start, end })
    response.end()
  } finally {
    await file.close()
  }
}

/** The path below the folder; undefined: it leaves the folder, or is none. */
function pathOf(url) {
  try {
    const path = normalize(`./${decodeURIComponent(url.split('?')[0])}`)
    return path.includes('\0') || path === '..' || path.startsWith('../') ? undefined : path
  } catch {
    return undefined
  }
}

const list = (header) => header.split(',').map((tag) => tag.trim().replace(/^W\//, ''))

/** 304 or 412 where the conditions of RFC 9110, section 13 say so. */
function precondition(headers, { ETag, 'Last-Modified': modified }) {
  const { 'if-match': match, 'if-none-match': noneMatch } = headers
  const before = Date.parse(headers['if-unmodified-since'] ?? '')
  const since = Date.parse(headers['if-modified-since'] ?? '')
  if (match !== undefined ? match !== '*' && !match.split(',').some((tag) => tag.trim() === ETag) : Date.parse(modified) > before)
    return 412
  if (noneMatch !== undefined ? noneMatch === '*' || list(noneMatch).includes(ETag) : Date.parse(modified) <= since) return 304
  return undefined
}

/** First and last byte; undefined: all of it; null: none of the bytes exist. */
function rangeOf(headers, { ETag, 'Last-Modified': modified }, size) {
  const condition = headers['if-range']
  if (condition !== undefined && condition !== ETag && condition !== modified) return undefined
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(headers.range ?? '') ?? []
  // No range, or several of them, or none of any byte: a server may ignore these.
  if (size === 0) return undefined
  if (first === undefined || (first === '' && last === '')) return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && first !== '' && Number(last) < Number(first)) return null
  return start < size && end >= start ? [start, end] : null
}

if (process.argv[2] !== undefined) {
  const server = serve(process.argv[2])
  await once(server.listen(Number(process.argv[3] ?? 0), '127.0.0.1'), 'listening')
  console.log(`port ${server.address().port}`)
} else await demonstrate()

/** The other end, so that this file runs on its own. */
async function demonstrate() {
  const folder = await mkdtemp(join(tmpdir(), 'file-server-'))
  const content = Buffer.alloc(8_000_000, 'a file of some megabytes ')
  await writeFile(join(folder, 'file'), content)
  const server = serve(folder)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  const ask = async (headers, path = '/file') => {
    const [response] = await once(http.get({ port: server.address().port, host: '127.0.0.1', path, headers, agent }), 'response')
    const chunks = []
    for await (const chunk of response) chunks.push(chunk)
    return { status: response.statusCode, headers: response.headers, bytes: Buffer.concat(chunks) }
  }
  const whole = await ask({})
  const part = await ask({ Range: 'bytes=1000-2000999' })
  const beyond = await ask({ Range: 'bytes=8000000-' })
  const known = await ask({ 'If-None-Match': whole.headers.etag })
  const outside = await ask({}, '/../../etc/passwd')
  if (!whole.bytes.equals(content) || !part.bytes.equals(content.subarray(1_000, 2_001_000))) throw new Error('wrong content')
  console.log(`whole ${whole.status}, range ${part.status}, beyond ${beyond.status}, known ${known.status}, outside ${outside.status}`)
  agent.destroy()
  server.close()
  await once(server, 'close')
  await rm(folder, { recursive: true })
}
