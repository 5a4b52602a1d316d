import { collectCases, conformance } from '../conformance/index.js'
import { memory } from '../src/testing/memory-backend.js'
import { memoryConformance } from './memory-modes.js'

/**
 * Runs the promise "one-sent-one-released" on a driver whose walk over a range of ids does not end at the wrap, in a process
 * that can be killed: code within the thread cannot stop a loop. Sends the name of each case to its parent before it runs.
 */
const backend = memory({
  firstId: 0xffff_fffd,
  walkIds: (lo, hi, visit) => {
    // After 0xffffffff the counter is 0, and the bound 0x100000000.
    for (let id = lo; id !== hi + 1; id = (id + 1) >>> 0) visit(id)
  },
})

await collectCases(
  (framework) =>
    conformance({
      ...framework,
      ...memoryConformance(backend, 'stream', { name: 'hanging', options: {}, outcomes: ['zerocopy'] }),
      only: ['one-sent-one-released'],
    }),
  { onStart: (promise, name) => process.send?.({ promise, name }) },
)
process.send?.('ended')
process.disconnect()
