import { types } from 'node:util'
import { ZeroCopyError } from '../errors.js'
import type { WriteData } from '../writer.js'
import { PendingWrite } from './pending-write.js'

/**
 * Makes a write of the data that was given to `write()`.
 * @param sequence - position of the write in the order of calls
 * @param maxSegments - segments that the write may have: on a datagram socket the segments of one message
 * @throws ZeroCopyError where the data can't be sent from where it is
 */
export function toPendingWrite(data: WriteData, sequence: number, maxSegments: number): PendingWrite {
  const segments = toSegments(data)
  if (!Array.isArray(segments)) return new PendingWrite(segments, segments.byteLength, sequence)
  if (segments.length > maxSegments) {
    throw new ZeroCopyError('ERR_ZC_TOO_MANY_SEGMENTS', `One datagram holds at most ${maxSegments} segments, not ${segments.length}.`, {
      remedy: 'Join some of them first.',
    })
  }
  let bytes = 0
  let largestBytes = 0
  // Compiled code reads `length` in place; `byteLength` is a call.
  for (const { length } of segments) {
    bytes += length
    if (length > largestBytes) largestBytes = length
  }
  return new PendingWrite(segments, bytes, sequence, undefined, largestBytes)
}

/** Checks `data`, and returns it; for an array a new one, without the empty segments. */
function toSegments(data: WriteData): Uint8Array | Uint8Array[] {
  if (isUint8Array(data)) {
    checkPinnable(data)
    return data
  }
  if (!Array.isArray(data)) {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `write() takes a Uint8Array or an array of them, not ${describe(data)}.`, {
      remedy: remedyFor(data),
    })
  }
  const segments: Uint8Array[] = []
  for (const segment of data as readonly unknown[]) {
    if (!isUint8Array(segment)) {
      throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `write() takes an array of Uint8Array; one element is ${describe(segment)}.`, {
        remedy: remedyFor(segment),
      })
    }
    checkPinnable(segment)
    if (segment.byteLength > 0) segments.push(segment)
  }
  return segments
}

const typedArray = Object.getPrototypeOf(Uint8Array.prototype) as object
const getter = (name: PropertyKey) => Object.getOwnPropertyDescriptor(typedArray, name)?.get as (this: unknown) => unknown
/** Getters of a typed array's own type, length and buffer, past its prototype and properties. For another value each answers undefined or throws. */
const tagOf = getter(Symbol.toStringTag)
const byteLengthOf = getter('byteLength')
const bufferOf = getter('buffer')

/** True also for a Uint8Array of another realm (node:vm, a test runner). False for a Proxy, which has no memory that an addon could find. */
function isUint8Array(value: unknown): value is Uint8Array {
  return tagOf.call(value) === 'Uint8Array'
}

function describe(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (types.isProxy(value)) return 'a Proxy'
  if (ArrayBuffer.isView(value)) return String(tagOf.call(value) ?? 'DataView')
  return value.constructor?.name ?? 'an object'
}

/** The remedy for a value of the wrong type: a way to its bytes. */
function remedyFor(value: unknown): string {
  if (typeof value === 'string') return 'Encode it first: Buffer.from(text).'
  if (types.isProxy(value)) return 'Pass the Uint8Array itself.'
  if (types.isAnyArrayBuffer(value)) return 'Pass new Uint8Array(buffer), which copies nothing.'
  if (ArrayBuffer.isView(value)) return 'Pass new Uint8Array(view.buffer, view.byteOffset, view.byteLength), which copies nothing.'
  return 'Pass a Uint8Array, for example a Buffer.'
}

/**
 * Refuses memory that can shrink or grow in place, since it cannot be pinned; and a detached buffer, since it has no memory.
 */
function checkPinnable(view: Uint8Array): void {
  const byteLength = byteLengthOf.call(view)
  if (view.byteLength !== byteLength) {
    throw new ZeroCopyError('ERR_ZC_INVALID_ARGUMENT', `A Uint8Array of ${byteLength} bytes says that it has ${String(view.byteLength)}.`, {
      remedy: 'Pass one without a byteLength of its own.',
    })
  }
  const buffer = bufferOf.call(view) as ArrayBufferLike & { resizable?: boolean; growable?: boolean; detached?: boolean }
  const { resizable } = buffer
  // A SharedArrayBuffer has `growable`. An ArrayBuffer lacks that property, and a look for a missing property is slow.
  if (resizable === true || (resizable === undefined && buffer.growable === true)) {
    throw new ZeroCopyError('ERR_ZC_BUFFER_RESIZABLE', 'The memory of a resizable buffer cannot be pinned.', {
      remedy: 'Copy it into a buffer of fixed length.',
    })
  }
  if (byteLength === 0 && isDetached(buffer)) {
    throw new ZeroCopyError(
      'ERR_ZC_BUFFER_DETACHED',
      'The buffer was detached: it was transferred elsewhere, or it is WebAssembly memory that grew.',
      {
        remedy: 'Write it before it is transferred; after WebAssembly memory grew, make the view anew from memory.buffer.',
      },
    )
  }
}

function isDetached(buffer: ArrayBufferLike & { detached?: boolean }): boolean {
  if (buffer.detached !== undefined) return buffer.detached
  if (buffer.byteLength > 0) return false
  // Node.js 20 has no `detached`; there, making a view on a detached buffer throws.
  try {
    new Uint8Array(buffer)
    return false
  } catch {
    return true
  }
}
