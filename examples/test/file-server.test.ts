// The server of static files beside nginx: the same requests to both, and the same answers.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const SIZE = 3_000_000
const MODIFIED = 'Sun, 01 Nov 2026 10:00:00 GMT'
const ETAG = `"${(Date.parse(MODIFIED) / 1_000).toString(16)}-${SIZE.toString(16)}"`
const START_MS = 10_000

/** Requests whose answers are compared: path, method and header. */
const REQUESTS: readonly [name: string, headers: Record<string, string>, path?: string, method?: string][] = [
  ['all of it', {}],
  ['HEAD', {}, '/file', 'HEAD'],
  ['an empty file', {}, '/empty'],
  ['a file that does not exist', {}, '/nothing'],
  ['a file below a file', {}, '/file/below'],
  ['a path that leaves the folder', {}, '/%2e%2e/%2e%2e/etc/hostname'],
  ['POST', {}, '/file', 'POST'],
  ['the first byte', { Range: 'bytes=0-0' }],
  ['a range', { Range: 'bytes=1000-2000999' }],
  ['a range to the end', { Range: 'bytes=2999000-' }],
  ['the last bytes', { Range: 'bytes=-500' }],
  ['more last bytes than there are', { Range: 'bytes=-4000000' }],
  ['a range that ends behind the end', { Range: 'bytes=2999999-9999999' }],
  ['a range behind the end', { Range: 'bytes=3000000-' }],
  ['a range backwards', { Range: 'bytes=10-9' }],
  ['no last bytes', { Range: 'bytes=-0' }],
  ['a unit that nobody knows', { Range: 'lines=0-9' }],
  ['HEAD of a range', { Range: 'bytes=0-99' }, '/file', 'HEAD'],
  ['a range of an empty file', { Range: 'bytes=0-0' }, '/empty'],
  ['a tag that is current', { 'If-None-Match': ETAG }],
  ['a list of tags with the current one, weak', { 'If-None-Match': `"a", W/${ETAG}` }],
  ['any tag', { 'If-None-Match': '*' }],
  ['an old tag', { 'If-None-Match': '"old"' }],
  ['an old tag beside a current date', { 'If-None-Match': '"old"', 'If-Modified-Since': MODIFIED }],
  ['a current date', { 'If-Modified-Since': MODIFIED }],
  ['a later date', { 'If-Modified-Since': 'Mon, 02 Nov 2026 10:00:00 GMT' }],
  ['an older date', { 'If-Modified-Since': 'Sat, 31 Oct 2026 10:00:00 GMT' }],
  ['what is no date', { 'If-Modified-Since': 'yesterday' }],
  ['a condition that holds', { 'If-Match': ETAG }],
  ['a condition that fails', { 'If-Match': '"old"' }],
  ['unmodified since then', { 'If-Unmodified-Since': MODIFIED }],
  ['modified since then', { 'If-Unmodified-Since': 'Sat, 31 Oct 2026 10:00:00 GMT' }],
  ['a range of the version that is current', { Range: 'bytes=0-99', 'If-Range': ETAG }],
  ['a range of that date', { Range: 'bytes=0-99', 'If-Range': MODIFIED }],
  ['a range of an old version', { Range: 'bytes=0-99', 'If-Range': '"old"' }],
  ['a known tag beside a range', { Range: 'bytes=0-99', 'If-None-Match': ETAG }],
]

const COMPARED = ['content-length', 'content-range', 'etag', 'last-modified', 'accept-ranges'] as const

function versionOfNginx(): string | undefined {
  try {
    // It writes to stderr.
    return execFileSync('sh', ['-c', 'nginx -v 2>&1']).toString().trim()
  } catch {
    return undefined
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}

async function listening(port: number): Promise<void> {
  for (const deadlineMs = performance.now() + START_MS; performance.now() < deadlineMs; ) {
    const socket = connect(port, '127.0.0.1')
    const connected = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'error').then(() => false)]).catch(
      () => false,
    )
    socket.destroy()
    if (connected) return
    await new Promise((wait) => setTimeout(wait, 20))
  }
  throw new Error(`nobody listens on port ${port}`)
}

async function ask(port: number, headers: Record<string, string>, path = '/file', method = 'GET') {
  const request = http.request({ port, host: '127.0.0.1', path, method, headers, agent: false }).end()
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of response) {
    hash.update(chunk as Buffer)
    bytes += (chunk as Buffer).length
  }
  const status = response.statusCode as number
  const kept = Object.fromEntries(COMPARED.map((name) => [name, response.headers[name]]))
  // The text of an error page is everybody's own, and so is its length.
  return status >= 300
    ? { status, contentRange: response.headers['content-range'], etag: status === 304 && kept.etag }
    : { status, ...kept, bytes, hash: hash.digest('hex') }
}

const nginx = versionOfNginx()
if (nginx === undefined) it.skip('the server of static files beside nginx (skipped: nginx is not installed; apt-get install nginx-light)')
else
  describe(`the server of static files answers as ${nginx}`, () => {
    let folder: string
    let ours = 0
    let theirs = 0
    const children: ChildProcess[] = []
    beforeAll(async () => {
      folder = mkdtempSync(join(tmpdir(), 'sendzc-nginx-'))
      const root = join(folder, 'root')
      mkdirSync(root)
      for (const [name, content] of [
        ['file', randomBytes(SIZE)],
        ['empty', Buffer.alloc(0)],
      ] as const) {
        writeFileSync(join(root, name), content)
        utimesSync(join(root, name), new Date(MODIFIED), new Date(MODIFIED))
      }
      theirs = await freePort()
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')
      const config = `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/errors; events {}
      http { access_log off; sendfile on; if_modified_since before; default_type application/octet-stream; ${temporary}
      server { listen 127.0.0.1:${theirs}; root ${root}; } }`
      writeFileSync(join(folder, 'nginx.conf'), config)
      children.push(spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-e', join(folder, 'errors')], { stdio: 'inherit' }))
      const example = spawn(process.execPath, [resolve(import.meta.dirname, '../file-server.mjs'), root], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      children.push(example)
      const [line] = (await once(createInterface(example.stdout), 'line')) as [string]
      ours = Number(line.split(' ')[1])
      await listening(theirs)
    })
    afterAll(async () => {
      for (const child of children) {
        const exited = once(child, 'exit')
        child.kill()
        await exited
      }
      rmSync(folder, { recursive: true })
    })

    for (const [name, headers, path, method] of REQUESTS) {
      it(name, async () => {
        const expected = await ask(theirs, headers, path, method)
        expect(await ask(ours, headers, path, method)).toEqual(expected)
      })
    }
  })
