import { readFile } from 'node:fs/promises'

/** SO_SNDBUF and SO_RCVBUF that the kernel's selftest asks for, in bytes. */
export const WANTED_BUFFER_BYTES = 2_097_152

/** Buffer sizes of the measured sockets, in bytes. */
export interface SocketBuffers {
  sendBufferBytes: number
  receiveBufferBytes: number
}

/**
 * Sizes as the kernel's selftest gets them: it asks for {@link WANTED_BUFFER_BYTES}, and setsockopt cuts that down to the sysctl limit.
 * @throws where /proc/sys/net is not readable
 */
export async function socketBuffers(): Promise<SocketBuffers> {
  const limit = async (name: string): Promise<number> => Number(await readFile(`/proc/sys/net/core/${name}`, 'utf8'))
  return {
    sendBufferBytes: Math.min(WANTED_BUFFER_BYTES, await limit('wmem_max')),
    receiveBufferBytes: Math.min(WANTED_BUFFER_BYTES, await limit('rmem_max')),
  }
}
