// Changes the route to the peer of an inherited, connected UDP socket, again and again, sends one datagram each time, and prints how each write failed.
import { execFileSync } from 'node:child_process'
import { openWriter, ZeroCopyError } from '@sendzc/core'
import { copy } from '../../src/index.js'

/** Arguments of `ip` that make and undo a change, and the datagram that is sent in between. */
export interface RouteChange {
  change: string
  undo: string
  bytes: number
}

/** The error of a write. */
export interface RouteEnd {
  code: string
  errno: string | undefined
  syscall: string | undefined
  message: string
  remedy: string | undefined
}

const { fd, changes } = JSON.parse(process.argv[2] as string) as { changes: RouteChange[]; fd: number }
const writer = await openWriter(fd, { backend: copy() })
const ends: RouteEnd[] = []
for (const { change, undo, bytes } of changes) {
  execFileSync('ip', change.split(' '))
  const error = await writer.write(new Uint8Array(bytes)).then(
    () => undefined,
    (cause: unknown) => cause,
  )
  execFileSync('ip', undo.split(' '))
  if (!ZeroCopyError.is(error)) throw new Error(`the datagram was sent after ip ${change}`, { cause: error })
  const { code, errno, syscall, message, remedy } = error
  ends.push({ code, errno, syscall, message, remedy })
}
await writer.close()
process.stdout.write(JSON.stringify(ends))
