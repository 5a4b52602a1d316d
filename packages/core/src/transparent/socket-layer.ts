import type { Socket } from 'node:net'
import { socketSender as sharing } from '../open/socket-sender.js'
import type { BufferedChunk, WriteCallback } from '../open/socket-shell.js'
import { stats } from './diagnostics.js'
import { isLarge } from './gather.js'
import type { InnerSocket } from './open-half.js'
import type { ResolvedZeroCopyOptions } from './options.js'
import { type BaseMethods, SocketSharing } from './socket-sharing.js'

/** What stands over the methods of a socket. */
interface Layer {
  readonly options: ResolvedZeroCopyOptions
  readonly base: BaseMethods
  /** The methods of the layer, as properties of a socket. */
  readonly properties: PropertyDescriptorMap & { readonly write: PropertyDescriptor }
}

const layerOf = Symbol('sendzc layer')
const NAMES = ['write', 'end', '_writeGeneric', '_final', '_destroy', 'ref', 'unref', '_bytesDispatched'] as const

type LayeredSocket = InnerSocket & BaseMethods & { [layerOf]: Layer; [sharing]: SocketSharing | undefined }

/** The methods that a layer has, by what is beneath: sockets of one class share them, and so keep one hidden class. */
const propertiesOver = new WeakMap<object, Layer['properties']>()
/** Layers by what is beneath, for each set of options. */
const layers = new WeakMap<ResolvedZeroCopyOptions, WeakMap<object, Layer>>()

/** The sharing that stands in a socket since its first large chunk; undefined before. */
export function sharingOf(socket: Socket): SocketSharing | undefined {
  return (socket as Partial<LayeredSocket>)[sharing]
}

/** Whether a socket has the methods that a layer stands over, and lets a layer stand there: a socket of another runtime may lack them. */
export function canBeLayered(socket: Socket): boolean {
  const { _writeGeneric, _final, _destroy, _unrefTimer } = socket as Partial<LayeredSocket>
  return (
    [_writeGeneric, _final, _destroy, _unrefTimer].every((method) => typeof method === 'function') &&
    Object.isExtensible(socket) &&
    NAMES.every((name) => Object.getOwnPropertyDescriptor(socket, name)?.configurable !== false)
  )
}

/** Whether a socket has a layer. */
export function isLayered(socket: Socket): boolean {
  return Object.hasOwn(socket, layerOf)
}

/**
 * Puts a layer over the methods of one socket, as properties of its own. The prototype, which other sockets share, stays as it is. A socket that has
 * a layer but no sharing yet gets the options of the new one.
 *
 * Not by a prototype of its own: V8 gives each object whose prototype is set a hidden class of its own, and a server paid for that with each
 * connection as much as for the rest of the connection.
 */
export function layOver(socket: Socket, options: ResolvedZeroCopyOptions): void {
  if (sharingOf(socket) !== undefined) return
  const layered = socket as unknown as LayeredSocket
  if (!isLayered(socket)) {
    stats.sockets++
    const layer = layerOver(baseOf(layered), options)
    Object.defineProperty(socket, layerOf, { value: layer, writable: true })
    Object.defineProperty(socket, sharing, { value: undefined, writable: true })
    Object.defineProperties(socket, layer.properties)
    return
  }
  const { base } = layered[layerOf]
  layered[layerOf] = layerOver(base, options)
  // Node.js itself assigns the prototype's `write` to a socket that connects again.
  if (layered.write === base.write) Object.defineProperty(socket, 'write', layered[layerOf].properties.write)
}

/** What a layer stands over: the prototype, and the methods that somebody gave to this socket alone. */
function baseOf(socket: LayeredSocket): BaseMethods {
  const prototype = Object.getPrototypeOf(socket) as BaseMethods
  const own = NAMES.filter((name) => Object.hasOwn(socket, name) && (name === '_bytesDispatched' || socket[name] !== prototype[name]))
  if (own.length === 0) return prototype
  const descriptors = own.map((name) => [name, Object.getOwnPropertyDescriptor(socket, name)])
  return Object.create(prototype, Object.fromEntries(descriptors) as PropertyDescriptorMap) as BaseMethods
}

function layerOver(base: BaseMethods, options: ResolvedZeroCopyOptions): Layer {
  const ofOptions = layers.get(options) ?? new WeakMap<object, Layer>()
  layers.set(options, ofOptions)
  const properties = propertiesOver.get(base) ?? makeProperties(base)
  propertiesOver.set(base, properties)
  const layer = ofOptions.get(base) ?? { options, base, properties }
  ofOptions.set(base, layer)
  return layer
}

function share(socket: LayeredSocket): SocketSharing {
  const { base, options } = socket[layerOf]
  const made = new SocketSharing(socket, base, options)
  socket[sharing] = made
  return made
}

/** The sharing of a socket that is given this chunk; undefined as long as the socket has been given no large one. */
function sharingFor(socket: LayeredSocket, chunk: unknown): SocketSharing | undefined {
  return socket[sharing] ?? (isLarge(chunk, socket[layerOf].options.minSharedBytes) ? share(socket) : undefined)
}

/** Each call of a method looks up the method beneath it: a program may replace methods on the prototype at any time. */
function makeProperties(base: BaseMethods): Layer['properties'] {
  const methods = {
    write(this: LayeredSocket, chunk: unknown, encoding: unknown, callback: unknown): boolean {
      const own = sharingFor(this, chunk)
      return own === undefined ? base.write.call(this, chunk, encoding, callback) : own.write(chunk, encoding, callback, methods.write)
    },

    end(this: LayeredSocket, chunk: unknown, encoding: unknown, callback: unknown): Socket {
      const own = sharingFor(this, chunk)
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
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(methods))
  return Object.fromEntries(
    descriptors.map(([name, descriptor]) => [name, { ...descriptor, enumerable: false }]),
  ) as unknown as Layer['properties']
}
