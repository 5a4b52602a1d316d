import { describe, expect, it } from 'vitest'
import { errqueueOptionsSchema, inlineOptionsSchema } from '../../sendmsg/src/options.js'
import { uringOptionsSchema } from '../../uring/src/options.js'
import { auto } from '../src/open/auto.js'
import { openWriter } from '../src/open/open-writer.js'
import { toWritable } from '../src/stream.js'
import { memory } from '../src/testing/memory-backend.js'
import { flag, type OptionSchema, oneOf, optional, record, whole, withDefault } from '../src/writer/option-reader.js'
import { AUTO_DEFAULTS, parseOptions, resolveOptions, writerOptionsSchema } from '../src/writer/options.js'

const undefinedOf = (options: object): Record<string, undefined> =>
  Object.fromEntries(Object.keys(options).map((name) => [name, undefined]))

describe('an option that is undefined is as one that is absent', () => {
  it.each<[string, OptionSchema<object>]>([
    ['openWriter()', writerOptionsSchema],
    ['errqueue()', errqueueOptionsSchema],
    ['inline()', inlineOptionsSchema],
    ['uring()', uringOptionsSchema],
  ])('for every option of %s', (of, schema) => {
    const defaults = parseOptions(schema, undefined, of)
    expect(Object.keys(defaults).length).toBeGreaterThan(1)
    expect(parseOptions(schema, undefinedOf(defaults), of)).toEqual(defaults)
  })

  it('for one within another', () => {
    const within = record<{ inner: { limit: number } }>({ inner: record<{ limit: number }>({ limit: withDefault(whole(1, 60), 50) }).read })
    expect(parseOptions(within, { inner: { limit: undefined } }, 'outer()').inner).toEqual({ limit: 50 })
  })

  it('for the defaults of auto(), which lie over those of the writer', async () => {
    const resolved = resolveOptions(AUTO_DEFAULTS, undefinedOf(AUTO_DEFAULTS))
    expect(resolved).toMatchObject(AUTO_DEFAULTS)
    const backend = memory()
    const socket = backend.openSocket()
    const options = { backend: auto([backend]), minZerocopyBytes: undefined, signal: undefined }
    const { signal, ...writerOptions } = options
    const writer = await openWriter({ fd: socket.fd }, writerOptions)
    // Joined they are above the default of auto(), and each of them below that of the writer.
    await Promise.all(Array.from({ length: 10 }, () => writer.write(new Uint8Array(5_000), { signal })))
    expect(writer.stats().copies.threshold).toBe(0)
    expect(toWritable(writer, { highWaterMark: undefined }).writableHighWaterMark).toBe(toWritable(writer).writableHighWaterMark)
    await writer.close()
  })
})

describe('options that are wrong', () => {
  const schema = record<{ count: number; mode: 'a' | 'b'; quiet: boolean; inner: { idleMs: number } | undefined }>(
    {
      count: whole(1, 9),
      mode: withDefault(oneOf(['a', 'b']), 'a'),
      quiet: withDefault(flag, false),
      inner: optional(record<{ idleMs: number }>({ idleMs: withDefault(whole(1, 50), 5) }).read),
    },
    ({ count, quiet }) => (count === 9 && quiet ? 'nine is never quiet' : undefined),
  )
  const refusal = (options: unknown): string => {
    try {
      parseOptions(schema, options, 'it')
    } catch (error) {
      return (error as Error).message
    }
    throw new Error('accepted')
  }

  it('are named, each with what it was and what is allowed', () => {
    expect(refusal({ count: 0, mode: 'c', quiet: 'no', inner: { idleMs: 1.5 }, extra: undefined })).toMatch(
      new RegExp(
        [
          '^Invalid options of it: extra: is no option; there are count, mode, quiet, inner',
          'count: must be a whole number from 1 to 9, not 0',
          'mode: must be "a" or "b", not "c"',
          'quiet: must be true or false, not "no"',
          'inner\\.idleMs: must be a whole number from 1 to 50, not 1\\.5\\. ',
        ].join('; '),
        'u',
      ),
    )
  })

  it.each([
    [{}, 'count: must be a whole number from 1 to 9, not undefined'],
    [{ count: 5n }, 'not a value of type bigint'],
    [{ count: 1, inner: [] }, 'inner: must be an object, not an array'],
    [{ count: 9, quiet: true }, 'nine is never quiet'],
    [7, 'must be an object, not 7'],
    [{ count: 1, [Symbol('s')]: 1 }, 'Symbol(s): is no option'],
  ])('are refused: %o', (options, message) => {
    expect(refusal(options)).toContain(message)
  })
})
