// Opens a writer while epoll_ctl fails for good, twice, and prints what each open says.
import { openWriter, ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { uring } from '../../src/index.js'

/** What an open said. */
export interface EpollCtlError {
  code: string
  errno: string | undefined
  syscall: string | undefined
  message: string
  remedy: string | undefined
}

const pair = await tcpPairs('127.0.0.1')()
const errors: EpollCtlError[] = []
for (let open = 0; open < 2; open++) {
  await openWriter(pair.fd, { backend: uring() }).catch((reason: unknown) => {
    if (!ZeroCopyError.is(reason)) throw reason
    const { code, errno, syscall, message, remedy } = reason
    errors.push({ code, errno, syscall, message, remedy })
  })
}
await pair.dispose()
process.stdout.write(JSON.stringify(errors))
