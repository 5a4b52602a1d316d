import { type OpenSocket, openSocket } from '@sendzc/socket'
import { WIRE_ADDRESSES } from '../../../src/wire/wire-namespace.js'

/** Connects to the peer at the other end of the wire whose namespace this process runs in. */
export function connectToPeer(): Promise<OpenSocket> {
  return openSocket({ protocol: 'tcp', family: 4, host: WIRE_ADDRESSES.far4, port: 9_000, noDelay: true, congestionControl: 'cubic' })
}
