import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { BuildLock } from '../src/build-lock.js'
import { BuildCache, maxCachedEntries } from '../src/cache-folder.js'
import { contentHash, folderParts } from '../src/content-hash.js'
import { VmError } from '../src/errors.js'
import { isOwnerAlive, ownIdentity, processStartTicks } from '../src/process-identity.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'sendzc-vm-cache-'))
})
afterEach(() => rmSync(root, { recursive: true }))

const never = () => undefined

describe('contentHash', () => {
  it('is the same for the same parts and another for any change', () => {
    const base = [
      { name: 'a', content: 'one' },
      { name: 'b', content: 'two' },
    ]
    const variants = [
      base,
      [
        { name: 'a', content: 'onet' },
        { name: 'b', content: 'wo' },
      ],
      [
        { name: 'ab', content: 'one' },
        { name: '', content: 'two' },
      ],
      [...base].reverse(),
      base.slice(0, 1),
      [...base, { name: 'c', content: '' }],
    ]
    expect(new Set(variants.map(contentHash)).size).toBe(variants.length)
    expect(contentHash(base)).toBe(contentHash(base.map(({ name, content }) => ({ name, content: Buffer.from(content) }))))
    expect(contentHash(base)).toMatch(/^[0-9a-f]{24}$/)
  })

  it('reads a folder in name order, and takes a missing one as empty', () => {
    mkdirSync(join(root, 'p', 'sub'), { recursive: true })
    for (const name of ['0002-b.patch', '0001-a.patch', 'notes.txt', 'sub/0003-c.patch']) writeFileSync(join(root, 'p', name), name)
    const parts = folderParts(join(root, 'p'), (name) => name.endsWith('.patch'))
    expect(parts.map(({ name, content }) => `${name}:${content}`)).toEqual([
      '0001-a.patch:0001-a.patch',
      '0002-b.patch:0002-b.patch',
      'sub/0003-c.patch:sub/0003-c.patch',
    ])
    expect(folderParts(join(root, 'missing'), () => true)).toEqual([])
  })
})

describe('BuildCache', () => {
  it('makes an entry once', async () => {
    const cache = new BuildCache('kernel', root)
    let made = 0
    const make = async (folder: string) => {
      made++
      writeFileSync(join(folder, 'image'), 'x')
    }
    const first = await cache.findOrMake('h1', make, never)
    expect(await cache.findOrMake('h1', make, never)).toBe(first)
    expect(made).toBe(1)
    expect(existsSync(join(first, 'image'))).toBe(true)
  })

  it('leaves nothing behind when making fails', async () => {
    const cache = new BuildCache('kernel', root)
    const make = async (folder: string) => {
      writeFileSync(join(folder, 'half'), 'x')
      throw new Error('make failed')
    }
    await expect(cache.findOrMake('h1', make, never)).rejects.toThrow('make failed')
    expect(cache.find('h1')).toBeUndefined()
    expect(readdirSync(join(root, 'kernel'))).toEqual([])
  })

  it('lets a second build wait for the first and take its outcome', async () => {
    const cache = new BuildCache('kernel', root)
    let open: () => void = never
    const gate = new Promise<void>((resolve) => {
      open = resolve
    })
    let started: () => void = never
    const firstStarted = new Promise<void>((resolve) => {
      started = resolve
    })
    const first = cache.findOrMake(
      'h1',
      async () => {
        started()
        await gate
      },
      never,
    )
    await firstStarted
    // The waiter itself opens the gate: it is known to wait by then.
    const second = cache.findOrMake(
      'h1',
      async () => expect.unreachable('built twice'),
      () => open(),
    )
    expect(await second).toBe(await first)
  })

  it('sweeps what a killed build left, not what a running one needs', async () => {
    const cache = new BuildCache('kernel', root)
    mkdirSync(join(root, 'kernel', '.making-999999999-1'))
    mkdirSync(join(root, 'kernel', `.making-${process.pid}-1`))
    const running = `.making-${process.ppid}-${processStartTicks(process.ppid)}`
    mkdirSync(join(root, 'kernel', running))
    await cache.findOrMake('h1', async () => undefined, never)
    expect(readdirSync(join(root, 'kernel')).sort()).toEqual([running, 'h1'])
  })

  it('drops the entries used longest ago', async () => {
    const cache = new BuildCache('kernel', root)
    for (let index = 0; index < maxCachedEntries; index++) {
      const entry = await cache.findOrMake(`h${index}`, async () => undefined, never)
      utimesSync(entry, index + 1, index + 1)
    }
    expect(cache.find('h0')).toBeDefined()
    await cache.findOrMake('new', async () => undefined, never)
    const left = readdirSync(join(root, 'kernel')).sort()
    expect(left).toEqual(['h0', ...Array.from({ length: maxCachedEntries - 2 }, (_, index) => `h${index + 2}`), 'new'])
  })
})

describe('BuildLock', () => {
  it('is held by one at a time and gives up after its limit', async () => {
    const lock = await BuildLock.take(root, never)
    await expect(BuildLock.take(root, never, 20)).rejects.toThrow(VmError)
    lock.release()
    const next = await BuildLock.take(root, never, 20)
    next.release()
  })
})

describe('process identity', () => {
  it('tells this process from one that is gone or has another start', () => {
    expect(isOwnerAlive(ownIdentity())).toBe(true)
    expect(isOwnerAlive(`${ownIdentity()}-abc`)).toBe(true)
    expect(isOwnerAlive(`${process.pid}-1`)).toBe(false)
    expect(isOwnerAlive('999999999-1')).toBe(false)
    expect(isOwnerAlive('whatever')).toBe(false)
  })
})
