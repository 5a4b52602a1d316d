// The client of `bench http` over loopback, in a process of its own: each connection asks as soon as it is answered, until the parent ends it.
// Sends the parent a word when it has its first answer.
//   http-client-main.ts PORT CONNECTIONS keep|close
import { connect } from 'node:net'

const [port = 0, connections = 0] = process.argv.slice(2).map(Number)
const isKept = process.argv[4] === 'keep'
const request = `GET / HTTP/1.1\r\nHost: bench\r\n${isKept ? '' : 'Connection: close\r\n'}\r\n`

let isAnswered = false

function open(): void {
  const socket = connect(port, '127.0.0.1', () => socket.write(request))
  let left = -1
  let head = ''
  socket.on('data', (chunk: Buffer) => {
    let body = chunk.length
    if (left < 0) {
      head += chunk.toString('latin1', 0, 1_024)
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      left = Number(/content-length: (\d+)/iu.exec(head)?.[1])
      body -= end + 4
    }
    left -= body
    if (left > 0) return
    left = -1
    head = ''
    if (!isAnswered) process.send?.('answered')
    isAnswered = true
    if (isKept) socket.write(request)
  })
  socket.on('error', () => undefined)
  if (!isKept) socket.on('close', open)
}

for (let index = 0; index < connections; index++) open()
process.once('disconnect', () => process.exit(0))
