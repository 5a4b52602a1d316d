// Writes through a writer in a process of its own, for tests that put the process in trouble, and prints the report.
import { reportWrites, type WriteTask } from '@sendzc/core/fixtures'
import { type UringOptions, uring } from '../../src/index.js'
import { loadNative } from '../../src/native.js'

/** The task of the child. */
export interface WriterTask extends WriteTask {
  options?: UringOptions
}

const task = JSON.parse(process.argv[2] as string) as WriterTask
const pins = new Float64Array(2)
const report = await reportWrites(task, uring(task.options), () => {
  loadNative().processMemory(pins)
  return pins[0] as number
})
process.stdout.write(JSON.stringify({ ...report, probe: uring(task.options).probe() }))
