import type { Socket } from 'node:net'
import { socketSender as sharing } from '../open/socket-sender.js'
import type { BufferedChunk, WriteCallback } from '../open/socket-shell.js'
import { stats } from './diagnostics.js'
import { isLarge } from './gather.js'
import type { InnerSocket } from './open-half.js'
import type { ResolvedZeroCopyOptions } from './options.js'
import { type BaseMethods, SocketSharing } from './socket-sharing.js'

const beneath = Symbol('sendzc layer')

type LayeredSocket = InnerSocket & BaseMethods & { [sharing]?: SocketSharing }

/** Layers by the prototype beneath them, for each set of options. */
const layers = new WeakMap<ResolvedZeroCopyOptions, WeakMap<object, object>>()

/** The sharing that stands in a socket since its first large chunk; undefined before. */
export function sharingOf(socket: Socket): SocketSharing | undefined {
  return (socket as LayeredSocket)[sharing]
}

/** Whether a socket has the methods that a layer stands over: a socket of another runtime may lack them. */
export function canBeLayered(socket: Socket): boolean {
  const { _writeGeneric, _final, _destroy, _unrefTimer } = socket as Partial<LayeredSocket>
  return [_writeGeneric, _final, _destroy, _unrefTimer].every((method) => typeof method === 'function')
}

/** Whether a socket has a layer. */
export function isLayered(socket: Socket): boolean {
  return Object.hasOwn(Object.getPrototypeOf(socket) as object, beneath)
}

/**
 * Puts a layer between one socket and its prototype. The prototype itself, which other sockets share, stays as it is. A socket that has a layer
 * but no sharing yet gets the layer of the new options instead.
 */
export function layOver(socket: Socket, options: ResolvedZeroCopyOptions): void {
  if (sharingOf(socket) !== undefined) return
  const prototype = Object.getPrototypeOf(socket) as { [beneath]?: object }
  const lower = isLayered(socket) ? (prototype[beneath] as object) : prototype
  if (lower === prototype) stats.sockets++
  Object.setPrototypeOf(socket, layerOver(lower, options))
}

function layerOver(base: object, options: ResolvedZeroCopyOptions): object {
  const ofOptions = layers.get(options) ?? new WeakMap<object, object>()
  layers.set(options, ofOptions)
  const layer = ofOptions.get(base) ?? makeLayer(base as BaseMethods, options)
  ofOptions.set(base, layer)
  return layer
}

/** Each call of a method looks up the method beneath it: a program may replace methods on the prototype at any time. */
function makeLayer(base: BaseMethods, options: ResolvedZeroCopyOptions): object {
  const { minSharedBytes } = options
  const share = (socket: LayeredSocket): SocketSharing => {
    const made = new SocketSharing(socket, base, options)
    Object.defineProperty(socket, sharing, { value: made })
    return made
  }
  const methods = {
    write(this: LayeredSocket, chunk: unknown, encoding: unknown, callback: unknown): boolean {
      const own = this[sharing] ?? (isLarge(chunk, minSharedBytes) ? share(this) : undefined)
      return own === undefined ? base.write.call(this, chunk, encoding, callback) : own.write(chunk, encoding, callback, methods.write)
    },

    end(this: LayeredSocket, chunk: unknown, encoding: unknown, callback: unknown): Socket {
      const own = this[sharing] ?? (isLarge(chunk, minSharedBytes) ? share(this) : undefined)
      // The stream takes this chunk without a `write()`; its callback is that of 'finish'.
      if (chunk != null && typeof chunk !== 'function') own?.announce(chunk, methods.end)
      return base.end.call(this, chunk, encoding, callback)
    },

    _writeGeneric(
      this: LayeredSocket,
      writev: boolean,
      data: BufferedChunk['chunk'] | BufferedChunk[],
      encoding: string,
      callback: WriteCallback,
    ): unknown {
      const own = this[sharing]
      if (own === undefined) return base._writeGeneric.call(this, writev, data, encoding, callback)
      return own.take(writev, data, encoding, callback)
    },

    _final(this: LayeredSocket, callback: WriteCallback): void {
      const own = this[sharing]
      if (own === undefined) base._final.call(this, callback)
      else own.final(callback)
    },

    _destroy(this: LayeredSocket, error: Error | null, callback: WriteCallback): void {
      const own = this[sharing]
      if (own === undefined) base._destroy.call(this, error, callback)
      else own.destroy(error, callback)
    },

    ref(this: LayeredSocket): Socket {
      this[sharing]?.ref()
      return base.ref.call(this)
    },

    unref(this: LayeredSocket): Socket {
      this[sharing]?.unref()
      return base.unref.call(this)
    },

    /** Node's own getter of `bytesWritten` begins with this property. */
    get _bytesDispatched(): unknown {
      const bytes = Reflect.get(base, '_bytesDispatched', this) as number | undefined
      const own = (this as unknown as LayeredSocket)[sharing]
      return own === undefined ? bytes : (bytes ?? 0) + own.dispatchedBytes
    },
  }
  const layer = Object.create(base) as object
  for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(methods))) {
    Object.defineProperty(layer, name, { ...descriptor, enumerable: false })
  }
  Object.defineProperty(layer, beneath, { value: base })
  // A lookup on a socket without a sharing ends here, instead of going through all prototypes.
  Object.defineProperty(layer, sharing, { value: undefined, writable: true })
  return layer
}
