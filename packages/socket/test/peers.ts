// Every protocol that a host sends over by itself, as a receiver and a sender that reaches it.
import type { Receiver, ReceiverOptions, SocketSpec } from '../src/index.js'

export interface PeerCase {
  name: string
  stream: boolean
  receiver: ReceiverOptions
  sender: (receiver: Receiver) => SocketSpec
}

const hosts = { 4: '127.0.0.1', 6: '::1' } as const
const families = [4, 6] as const
// Numbers of this file alone: RAW and PACKET deliver to every socket that asks for them.
const protocolNumbers = { raw: 253, 'raw-hdrincl': 254 } as const
const etherTypes = { packet: 0x88b5, 'packet-dgram': 0x88b6 } as const

const inet: PeerCase[] = families.flatMap((family) =>
  (['tcp', 'udp'] as const).map((protocol) => ({
    name: `${protocol} IPv${family}`,
    stream: protocol === 'tcp',
    receiver: { protocol, family },
    sender: ({ host, port }) => ({ protocol, family, host, port }),
  })),
)
const raw: PeerCase[] = families.flatMap((family) =>
  (['raw', 'raw-hdrincl'] as const).map((protocol) => {
    const protocolNumber = protocolNumbers[protocol]
    return {
      name: `${protocol} IPv${family}`,
      stream: false,
      receiver: { protocol, family, protocolNumber },
      sender: () => ({ protocol, family, host: hosts[family], protocolNumber }),
    }
  }),
)
const packet: PeerCase[] = (['packet', 'packet-dgram'] as const).map((protocol) => {
  const spec = { protocol, device: 'lo', etherType: etherTypes[protocol] }
  return { name: protocol, stream: false, receiver: spec, sender: () => spec }
})

export const peerCases: PeerCase[] = [...inet, ...raw, ...packet]
