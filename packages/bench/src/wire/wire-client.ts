import { type OptionValues, read } from '../cli/command-line.js'
import { BenchFailure } from '../cli/failure.js'
import { WIRE_ADDRESSES } from './wire-namespace.js'
import type { WirePeer } from './wire-peer.js'

/** Most connections of the peer as a client: below what it has room for. */
const MAX_CLIENT_CONNECTIONS = 10_000

const DEFAULT_REQUEST = 'GET / HTTP/1.1\\r\\nHost: wire\\r\\n\\r\\n'

/** Options of the peer as a client of a program on the wire. */
export const WIRE_CLIENT_OPTIONS = {
  client: {
    value: 'PORT',
    help: `the other end connects to this port of ${WIRE_ADDRESSES.near4}, sends a request, and sends it again once the response is whole`,
    schema: read.whole(1, 65_535).optional(),
  },
  family: { value: '4|6', help: 'of the client: IPv4 or IPv6 (default 4)', schema: read.whole(4, 6).prefault('4') },
  connections: {
    value: 'N',
    help: 'of the client (default 1)',
    schema: read.whole(1, MAX_CLIENT_CONNECTIONS).prefault('1'),
  },
  request: {
    value: 'TEXT',
    help: `of the client; \\r and \\n are read (default "${DEFAULT_REQUEST}")`,
    schema: read.path.default(DEFAULT_REQUEST),
  },
  'response-bytes': {
    value: 'BYTES',
    help: 'of the client: a response is whole after so many, headers included; K and M allowed',
    schema: read.whole(1, 1_073_741_824, true).optional(),
  },
  rate: {
    value: 'N',
    help: 'of the client: requests a second over all connections (default 0: each as soon as the last is answered)',
    schema: read.whole(0, 1_000_000).prefault('0'),
  },
}

type WireClientOptions = OptionValues<typeof WIRE_CLIENT_OPTIONS>

/** @throws BenchFailure for a client without the length of a response */
export function checkClient(options: WireClientOptions): void {
  if (options.client !== undefined && options['response-bytes'] === undefined)
    throw new BenchFailure('--client: say with --response-bytes when a response is whole.')
}

/** Makes the peer a client of the program that listens on `port`. */
export async function connectClient(peer: WirePeer, port: number, options: WireClientOptions): Promise<void> {
  const { family, connections, rate } = options
  if (family === 5) throw new BenchFailure('--family: IPv4 or IPv6.')
  const request = options.request.replaceAll('\\r', '\r').replaceAll('\\n', '\n')
  const responseBytes = options['response-bytes'] ?? 1
  await peer.connect({ family: family as 4 | 6, port, connections, request, responseBytes, ratePerSecond: rate })
}
