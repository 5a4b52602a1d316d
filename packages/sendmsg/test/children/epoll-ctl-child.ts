// Opens a writer over TCP and writes while epoll_ctl fails for good, and prints what it says.
import { openWriter, ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { errqueue } from '../../src/index.js'

/** What the child prints. */
export interface EpollCtlReport {
  /** Each error of an open or a write. */
  errors: { code: string; errno: string | undefined; syscall: string | undefined; remedy: string | undefined }[]
  closed: boolean
}

const WRITES = 3
const DRAIN_TIMEOUT_MS = 1_000

const errors: EpollCtlReport['errors'] = []
const note = (reason: unknown): void => {
  if (!ZeroCopyError.is(reason)) throw reason
  const { code, errno, syscall, remedy } = reason
  errors.push({ code, errno, syscall, remedy })
}

const pair = await tcpPairs('127.0.0.1')()
const options = { backend: errqueue(), minZerocopyBytes: 0, drainTimeoutMs: DRAIN_TIMEOUT_MS }
const writer = await openWriter(pair.fd, options).catch(note)
let closed = writer === undefined
if (writer !== undefined) {
  // The first is sent: nothing can be waited for from then on.
  for (let write = 0; write < WRITES; write++) await writer.write(new Uint8Array(20_000)).catch(note)
  closed = await writer.close().then(
    () => true,
    (reason: unknown) => ZeroCopyError.is(reason),
  )
}
await pair.dispose()
process.stdout.write(JSON.stringify({ errors, closed } satisfies EpollCtlReport))
