import { AsyncResource } from 'node:async_hooks'

const MANUAL_DESTROY = { requireManualDestroy: true }

/**
 * A function that runs `callback` in the async context of this call. `AsyncResource.bind()` gives each function properties of its own, which on
 * Node.js 20 takes as long as copying 200 KB.
 * @param type - name of the resource, for async hooks
 */
export function inThisContext<Args extends unknown[]>(type: string, callback: (...args: Args) => void): (...args: Args) => void {
  const context = new AsyncResource(type, MANUAL_DESTROY)
  return (...args) => context.runInAsyncScope(callback, undefined, ...args)
}
