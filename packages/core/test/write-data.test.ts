import { runInNewContext } from 'node:vm'
import { describe, expect, it } from 'vitest'
import { openWriter } from '../src/open/open-writer.js'
import { memory } from '../src/testing/memory-backend.js'
import type { WriteData } from '../src/writer.js'

declare const WebAssembly: { Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer; grow(pages: number): number } }

const tagged = <T extends object>(object: T): T => Object.defineProperty(object, Symbol.toStringTag, { value: 'Uint8Array' })

const REFUSED: [string, () => unknown, RegExp][] = [
  ['a Proxy of one', () => new Proxy(new Uint8Array(20), {}), /the Uint8Array itself/u],
  ['a Uint16Array with the tag of one', () => tagged(new Uint16Array(20)), /new Uint8Array\(view\.buffer/u],
  ['a Float64Array with the tag of one', () => tagged(new Float64Array(20)), /new Uint8Array\(view\.buffer/u],
  [
    'a Uint16Array with its prototype',
    () => Object.setPrototypeOf(new Uint16Array(20), Uint8Array.prototype),
    /new Uint8Array\(view\.buffer/u,
  ],
  ['an object with its prototype', () => Object.create(Uint8Array.prototype), /for example a Buffer/u],
  [
    'one with a larger byteLength of its own',
    () => Object.defineProperty(new Uint8Array(20), 'byteLength', { value: 30 }),
    /byteLength of its own/u,
  ],
  [
    'one with a smaller byteLength of its own',
    () => Object.defineProperty(new Uint8Array(20), 'byteLength', { value: 10 }),
    /byteLength of its own/u,
  ],
  ['an ArrayBuffer', () => new ArrayBuffer(20), /new Uint8Array\(buffer\)/u],
  ['a SharedArrayBuffer', () => new SharedArrayBuffer(20), /new Uint8Array\(buffer\)/u],
  ['a DataView', () => new DataView(new ArrayBuffer(20)), /new Uint8Array\(view\.buffer/u],
  ['a Float64Array', () => new Float64Array(20), /new Uint8Array\(view\.buffer/u],
  ['a string', () => 'text', /Buffer\.from/u],
  ['nothing', () => undefined, /for example a Buffer/u],
]

describe('what only looks like a Uint8Array', () => {
  it.each(REFUSED)('%s is refused before anything is sent, also within an array, with a remedy', async (_name, make, remedy) => {
    const backend = memory()
    const writer = await openWriter({ fd: backend.openSocket().fd }, { backend })
    for (const data of [make(), [new Uint8Array(5), make()]]) {
      const error: unknown = await writer.write(data as WriteData).then(
        () => undefined,
        (cause: unknown) => cause,
      )
      expect(error).toMatchObject({ code: 'ERR_ZC_INVALID_ARGUMENT', remedy: expect.stringMatching(remedy) })
    }
    expect(writer.stats()).toMatchObject({ sends: 0, bytesSent: 0 })
    await writer.close()
  })
})

describe('a Uint8Array', () => {
  it.each<[string, () => Uint8Array]>([
    ['of another realm', () => runInNewContext('new Uint8Array([1, 2, 3])') as Uint8Array],
    ['that is a Buffer', () => Buffer.from([1, 2, 3])],
    ['of a subclass', () => new (class Bytes extends Uint8Array {})([1, 2, 3])],
  ])('%s is taken', async (_name, make) => {
    const backend = memory()
    const writer = await openWriter({ fd: backend.openSocket().fd }, { backend })
    expect((await writer.write(make())).bytes).toBe(3)
    expect((await writer.write([make(), make()])).bytes).toBe(6)
    await writer.close()
  })

  it('of WebAssembly memory that grew says so', async () => {
    const backend = memory()
    const writer = await openWriter({ fd: backend.openSocket().fd }, { backend })
    const wasm = new WebAssembly.Memory({ initial: 1 })
    const view = new Uint8Array(wasm.buffer)
    wasm.grow(1)
    await expect(writer.write(view)).rejects.toMatchObject({
      code: 'ERR_ZC_BUFFER_DETACHED',
      remedy: expect.stringContaining('memory.buffer'),
    })
    await writer.close()
  })
})
