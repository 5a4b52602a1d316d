// Opens drivers while so many descriptors are free, and again when there are plenty, and prints the error of each open.
import { closeSync } from 'node:fs'
import { ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { takeDescriptors } from '@sendzc/core/fixtures'
import { errqueue } from '../../src/index.js'

/** The task of the child. */
export interface NoDescriptorTask {
  free: number
  /** Loads the addon before. */
  loaded: boolean
}

/** The error of an open. */
export interface NoDescriptorEnd {
  code: string
  errno?: string | undefined
  syscall?: string | undefined
  remedy?: string | undefined
}

const task = JSON.parse(process.argv[2] as string) as NoDescriptorTask
const pair = await tcpPairs('127.0.0.1')()
const sink = { sent: () => undefined, released: () => undefined, wake: () => undefined }

function open(): NoDescriptorEnd {
  try {
    errqueue().open({ fd: pair.fd, sink, maxInFlight: 4 }).close()
    return { code: 'opened' }
  } catch (error) {
    if (!ZeroCopyError.is(error)) throw error
    const { code, errno, syscall, remedy } = error
    return { code, errno, syscall, remedy }
  }
}

if (task.loaded) errqueue().probe()
const taken = takeDescriptors()
for (const fd of taken.splice(0, task.free)) closeSync(fd)
const ends = [open(), open()]
for (const fd of taken) closeSync(fd)
ends.push(open())
await pair.dispose()
process.stdout.write(JSON.stringify(ends))
