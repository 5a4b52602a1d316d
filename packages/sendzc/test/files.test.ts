// Files over the drivers that send them, where the kernel matters: the page cache, the mode of the socket, the end of a connection.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { open, rename } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectedPair, tcpPairs } from '@sendzc/core/conformance'
import type { Driver } from '@sendzc/core/driver'
import { assertContent, content, mutateBackend } from '@sendzc/core/fixtures'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Backend, copy, errqueue, openWriter, uring } from '../src/index.js'

const FILE_BYTES = 5_000_000
const BACKENDS: Record<string, () => Backend> = { copy: () => copy(), errqueue: () => errqueue(), uring: () => uring() }

let folder: string
let path: string
let pair: ConnectedPair
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sendzc-files-'))
  path = join(folder, 'content')
  writeFileSync(path, content(FILE_BYTES))
  pair = await tcpPairs('127.0.0.1')()
})
afterEach(async () => {
  await pair.dispose()
  rmSync(folder, { recursive: true })
})

/** Makes the kernel forget the pages of the file (dd(1), posix_fadvise(2)). */
function dropFromCache(): void {
  execFileSync('sync', [path])
  execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' })
}

/** A backend that notes for each sendFile() whether the page cache had its bytes. */
function watched(backend: Backend): { backend: Backend; drivers: Driver[]; cachedAtSend: boolean[] } {
  const drivers: Driver[] = []
  const cachedAtSend: boolean[] = []
  return {
    drivers,
    cachedAtSend,
    backend: mutateBackend(backend, {
      driver: (driver) => {
        drivers.push(driver)
        return {
          sendFile: (file, offset, bytes) => {
            cachedAtSend.push(driver.isFileCached?.(file, offset, bytes) === 1)
            return driver.sendFile?.(file, offset, bytes) ?? 0
          },
        }
      },
    }),
  }
}

describe.each(Object.keys(BACKENDS))('a file over %s', (name) => {
  const backend = (): Backend => (BACKENDS[name] as () => Backend)()

  it('that the page cache lacks is read by a thread before it is sent', async () => {
    const { backend: watching, drivers, cachedAtSend } = watched(backend())
    await using writer = await openWriter(pair.target as Socket, { backend: watching })
    const handle = await open(path)
    dropFromCache()
    const [driver] = drivers as [Driver]
    const file = driver.openFile?.(handle.fd, new Float64Array(6)) as number
    expect(driver.isFileCached?.(file, 0, FILE_BYTES), 'the file is still in the page cache').toBe(0)
    const sent = writer.writeFile(handle)
    await handle.close()
    assertContent(await pair.peer.read(FILE_BYTES), 0, 'the file')
    expect((await sent).bytes).toBe(FILE_BYTES)
    expect(cachedAtSend.length).toBeGreaterThan(0)
    expect(cachedAtSend, 'sendfile() had to wait for the disk').not.toContain(false)
    expect(driver.isFileCached?.(file, 0, FILE_BYTES)).toBe(1)
    driver.closeFile?.(file)
  })

  it('that memory has is looked for once, however often it is sent within a second', async () => {
    let looks = 0
    const counting = mutateBackend(backend(), {
      driver: (driver) => ({
        isFileCached: (file, offset, bytes) => {
          looks++
          return driver.isFileCached?.(file, offset, bytes) ?? 0
        },
      }),
    })
    await using writer = await openWriter(pair.target as Socket, { backend: counting })
    const handle = await open(path)
    const begunMs = performance.now()
    for (let round = 0; round < 3; round++) {
      const sent = writer.writeFile(handle, { end: 99_999 })
      assertContent(await pair.peer.read(100_000), 0, 'the file')
      await sent
    }
    await handle.close()
    // A second look is due where the machine took longer.
    expect(looks).toBeLessThanOrEqual(1 + (performance.now() - begunMs) / 1_000)
    expect(looks).toBeGreaterThan(0)
  })

  it('is what was opened, also where another one takes its name meanwhile', async () => {
    await using writer = await openWriter(pair.target as Socket, { backend: backend() })
    const handle = await open(path)
    pair.peer.pause()
    const sent = writer.writeFile(handle)
    await handle.close()
    while (writer.stats().fileBytes === 0) await new Promise(setImmediate)
    const replacing = join(folder, 'replacing')
    writeFileSync(replacing, content(FILE_BYTES, 7))
    await rename(replacing, path)
    pair.peer.resume()
    assertContent(await pair.peer.read(FILE_BYTES), 0, 'the file')
    expect((await sent).bytes).toBe(FILE_BYTES)
    const other = await open(path)
    const next = writer.writeFile(other)
    await other.close()
    assertContent(await pair.peer.read(FILE_BYTES), 7, 'the file of that name')
    await next
  })

  it('stands in one order with what the socket itself is given', async () => {
    const socket = pair.target as Socket
    await using writer = await openWriter(socket, { backend: backend() })
    const handle = await open(path)
    socket.write(content(70_000))
    const file = writer.writeFile(handle, { start: 70_000, end: 3_999_999 })
    socket.write(content(100_000, 4_000_000))
    const last = writer.writeFile(handle, { start: 4_100_000 })
    await handle.close()
    assertContent(await pair.peer.read(FILE_BYTES), 0, 'stream')
    await Promise.all([file, last])
  })

  it('is refused where sendfile() would sleep, and where the descriptor is a pipe or is only written', async () => {
    const socket = pair.target as Socket & { _handle: { setBlocking(blocking: boolean): number } }
    await using writer = await openWriter(socket, { backend: backend() })
    const only = await open(join(folder, 'other'), 'w')
    execFileSync('mkfifo', [join(folder, 'pipe')])
    const pipe = await open(join(folder, 'pipe'), 'r+')
    await expect(writer.writeFile(only)).rejects.toMatchObject({ code: 'ERR_ZC_BAD_DESCRIPTOR' })
    await expect(writer.writeFile(pipe)).rejects.toMatchObject({ code: 'ERR_ZC_NOT_A_FILE' })
    await pipe.close()
    await only.close()
    const handle = await open(path)
    socket._handle.setBlocking(true)
    await expect(writer.writeFile(handle)).rejects.toMatchObject({ code: 'ERR_ZC_UNSUPPORTED_SOCKET' })
    socket._handle.setBlocking(false)
    await writer.writeFile(handle, { end: 9 })
    await handle.close()
    assertContent(await pair.peer.read(10), 0, 'stream')
  })

  it('fails with the connection', async () => {
    const socket = pair.target as Socket
    socket.on('error', () => undefined)
    const writer = await openWriter(socket, { backend: backend() })
    const handle = await open(path, 'r+')
    await handle.truncate(pair.stallBytes)
    pair.peer.pause()
    const file = writer.writeFile(handle)
    const behind = writer.write(content(10))
    behind.catch(() => undefined)
    await handle.close()
    while (writer.stats().fileBytes === 0) await new Promise(setImmediate)
    pair.peer.reset()
    await expect(file).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_ZC_(PEER_RESET|CLOSED)$/) })
    await expect(behind).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_ZC_(PEER_RESET|CLOSED)$/) })
    await writer.close()
  })
})
