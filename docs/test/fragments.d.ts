// What a fragment of the guides has at hand, without saying where it came from.
import type dgram from 'node:dgram'
import type net from 'node:net'
import type { ZeroCopyWriter } from 'sendzc'

declare global {
  const socket: net.Socket
  const datagramSocket: dgram.Socket
  const writer: ZeroCopyWriter
  const buffer: Buffer
  function reuse(buffer: Buffer): void
}
