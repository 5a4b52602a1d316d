// Opens drivers on a descriptor that was inherited, or on a TCP connection of its own, and prints the report of each backend.
import { type Backend, ZeroCopyError } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { copy, errqueue } from '../../src/index.js'

/** The report of one backend. */
export interface OpenEnd {
  backend: string
  /** `opened` where it did not refuse. */
  code: string
  errno: string | undefined
  message: string
  remedy: string | undefined
}

function open(backend: Backend, fd: number): OpenEnd {
  try {
    backend.open({ fd, sink: { sent: () => undefined, released: () => undefined, wake: () => undefined }, maxInFlight: 1 }).close()
    return { backend: backend.name, code: 'opened', errno: undefined, message: '', remedy: undefined }
  } catch (error) {
    if (!ZeroCopyError.is(error)) throw error
    const { code, errno, message, remedy } = error
    return { backend: backend.name, code, errno, message, remedy }
  }
}

const { fd, backends } = JSON.parse(process.argv[2] as string) as { fd?: number; backends: ('errqueue' | 'copy')[] }
const pair = fd === undefined ? await tcpPairs('127.0.0.1')() : undefined
const ends = backends.map((name) => open(name === 'copy' ? copy() : errqueue(), fd ?? (pair?.fd as number)))
await pair?.dispose()
process.stdout.write(JSON.stringify(ends))
