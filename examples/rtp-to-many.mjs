// An RTP-like sender: each frame is one buffer of packets, and leaves to each of 100 receivers as one write that the kernel cuts into packets.
import dgram from 'node:dgram'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'
import { auto, destination, openWriter } from 'sendzc'

const receiverCount = 100
const frames = 30
const packetsPerFrame = 20
const packetBytes = 1_200
const headerBytes = 12
const clockRate = 90_000
const framesPerSecond = 30

/** What one receiver has got: packets, and those of them that came out of order or with another content. */
const receivers = []
for (let index = 0; index < receiverCount; index++) {
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 1_048_576 })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const seen = { socket, packets: 0, wrong: 0 }
  let next = 0
  socket.on('message', (packet) => {
    const sequence = packet.readUInt16BE(2)
    const frame = Math.floor(sequence / packetsPerFrame)
    if (sequence !== next || packet.length !== packetBytes || packet[packetBytes - 1] !== frame) seen.wrong++
    next = sequence + 1
    seen.packets++
  })
  receivers.push(seen)
}

/** Fills a frame's buffer: packet after packet, each with its header. */
function fillFrame(buffer, frame) {
  buffer.fill(frame)
  for (let packet = 0; packet < packetsPerFrame; packet++) {
    const at = packet * packetBytes
    const last = packet === packetsPerFrame - 1
    buffer.writeUInt8(0x80, at)
    buffer.writeUInt8(96 | (last ? 0x80 : 0), at + 1)
    buffer.writeUInt16BE(frame * packetsPerFrame + packet, at + 2)
    buffer.writeUInt32BE((frame * clockRate) / framesPerSecond, at + 4)
    buffer.writeUInt32BE(0x5e_0d_2c, at + headerBytes - 4)
  }
}

const socket = dgram.createSocket('udp4')
socket.bind(0, '127.0.0.1')
await once(socket, 'listening')
const writer = await openWriter(socket, { backend: auto() })

// The addresses are read once. Two buffers: one is filled while the kernel may still read the other.
const options = receivers.map(({ socket: receiver }) => ({
  to: destination({ address: '127.0.0.1', port: receiver.address().port }),
  segmentBytes: packetBytes,
}))
const buffers = [0, 1].map(() => ({ memory: Buffer.alloc(packetsPerFrame * packetBytes), released: Promise.resolve() }))

let failed = 0
for (let frame = 0; frame < frames; frame++) {
  const buffer = buffers[frame % buffers.length]
  await buffer.released
  fillFrame(buffer.memory, frame)
  // A receiver that can't be reached costs its own write alone.
  const results = await Promise.allSettled(options.map((option) => writer.write(buffer.memory, option)))
  failed += results.filter(({ status }) => status === 'rejected').length
  buffer.released = Promise.all(results.map(({ value, reason }) => (value ?? reason).released))
  // A real sender waits for the time of its next frame here.
  await setImmediate()
}
await writer.close()
const { sends, driver } = writer.stats()
console.log(`${frames} frames to ${receiverCount} receivers: ${sends} writes in ${driver.sendCalls} system calls, ${failed} failed`)

// UDP may lose packets, even on one machine: these are the packets that arrived.
const deadline = Date.now() + 2_000
const arrived = () => receivers.reduce((sum, { packets }) => sum + packets, 0)
while (arrived() < frames * packetsPerFrame * receiverCount && Date.now() < deadline) await setImmediate()
console.log(`received ${arrived()} packets, ${receivers.reduce((sum, { wrong }) => sum + wrong, 0)} out of order or damaged`)
socket.close()
for (const { socket: receiver } of receivers) receiver.close()
