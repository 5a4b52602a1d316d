// Writes one message after the other over TCP, each when the one before it is released, for a test that counts system calls.
import { openWriter } from '@sendzc/core'
import { tcpPairs } from '@sendzc/core/conformance'
import { errqueue } from '../../src/index.js'

/** What the child is to do. */
export interface LoneWritesTask {
  writes: number
  /** Sockets that are written to in turn. */
  sockets: number
}

const { writes, sockets } = JSON.parse(process.argv[2] as string) as LoneWritesTask
const pairs = await Promise.all(Array.from({ length: sockets }, tcpPairs('127.0.0.1')))
const writers = await Promise.all(pairs.map(({ fd }) => openWriter(fd, { backend: errqueue(), minZerocopyBytes: 0 })))
for (let write = 0; write < writes; write++) {
  for (const writer of writers) await (await writer.write(new Uint8Array(20_000))).released
}
await Promise.all(writers.map((writer) => writer.close()))
await Promise.all(pairs.map((pair) => pair.dispose()))
