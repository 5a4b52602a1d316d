// Takes every descriptor that the process may have but a few, opens a driver, and prints its error, then whether the driver can be opened afterwards.
import { closeSync } from 'node:fs'
import { ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { DriverSession, takeDescriptors } from '@sendzc/core/fixtures'
import { uring } from '../../src/index.js'

export interface NoDescriptorReport {
  error?: { code: string; errno: string | undefined; syscall: string | undefined; remedy: string | undefined }
  /** Descriptors that the failed open did not give back. */
  lost: number
  /** Setup flags of the ring that is made when there are descriptors again. */
  setupFlags: number | undefined
}

const { free } = JSON.parse(process.argv[2] as string) as { free: number }
const pair = await tcpPairs('127.0.0.1')()
const backend = uring({ entries: 64 })
const report: NoDescriptorReport = { lost: 0, setupFlags: undefined }
const taken = takeDescriptors()
for (const fd of taken.splice(0, free)) closeSync(fd)
try {
  new DriverSession(backend, pair.fd, 4).driver.close()
} catch (error) {
  if (!ZeroCopyError.is(error)) throw error
  const { code, errno, syscall, remedy } = error
  report.error = { code, errno, syscall, remedy }
}
// A handle closes its descriptor in the next turn.
for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
const left = takeDescriptors()
if (report.error !== undefined) report.lost = free - left.length
for (const fd of [...left, ...taken]) closeSync(fd)
const { driver } = new DriverSession(backend, pair.fd, 4)
report.setupFlags = backend.describeRing()?.setupFlags
driver.close()
await pair.dispose()
process.stdout.write(JSON.stringify(report))
