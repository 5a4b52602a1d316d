import { getEventListeners } from 'node:events'
import { expect, it } from 'vitest'
import { watchSignal } from '../src/writer/signal-watch.js'

it('keeps one listener for all writes that share a signal, and calls those that still watch', () => {
  const controller = new AbortController()
  const called: number[] = []
  const stops = Array.from({ length: 100 }, (_, index) => watchSignal(controller.signal, () => called.push(index)))
  expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
  for (const stop of stops.slice(2)) stop()
  controller.abort()
  expect(called).toEqual([0, 1])
})
