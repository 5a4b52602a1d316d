import { once } from 'node:events'
import net from 'node:net'

/** Both ends of a connection over loopback, and the server that accepted it. */
export interface TcpPair {
  client: net.Socket
  server: net.Socket
  listener: net.Server
}

/** @param cleanups - gets a function that ends the pair */
export async function tcpPair(cleanups: (() => unknown)[]): Promise<TcpPair> {
  const listener = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const client = net.connect((listener.address() as net.AddressInfo).port, '127.0.0.1')
  const [[server]] = (await Promise.all([once(listener, 'connection'), once(client, 'connect')])) as [[net.Socket], unknown]
  cleanups.push(() => {
    client.destroy()
    server.destroy()
    listener.close()
  })
  return { client, server, listener }
}
