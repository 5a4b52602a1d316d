import { channel } from 'node:diagnostics_channel'
import type { ZeroCopyWriter } from '../writer.js'

/** `{ writer }`: a writer was opened; `writer.choice` names its backend and the reason. */
const opened = channel('sendzc:writer:open')
/** `{ writer }`: the kernel copied so many messages in a row that the writer asks for zero-copy only now and then. */
const demoted = channel('sendzc:writer:demoted')
/** `{ writer, message }`: the system allows less than one zero-copy send. The message has the remedy. At each such refusal. */
const limit = channel('sendzc:writer:limit')
/** `{ writer, bytes }`: a writer was closed while the kernel held memory of its writes; that memory stays pinned until the kernel lets go. */
const abandoned = channel('sendzc:writer:abandoned')

export function tellOpened(writer: ZeroCopyWriter): void {
  if (opened.hasSubscribers) opened.publish({ writer })
}

export function tellDemoted(writer: ZeroCopyWriter): void {
  if (demoted.hasSubscribers) demoted.publish({ writer })
}

export function tellLimit(writer: ZeroCopyWriter, message: string): void {
  if (limit.hasSubscribers) limit.publish({ writer, message })
}

/** Publishes the memory that a closed writer has left with the kernel, if any. */
export function tellAbandoned(writer: ZeroCopyWriter): void {
  if (!abandoned.hasSubscribers) return
  const { abandonedBytes } = writer.stats()
  if (abandonedBytes > 0) abandoned.publish({ writer, bytes: abandonedBytes })
}
