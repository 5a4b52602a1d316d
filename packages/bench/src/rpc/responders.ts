import { familyOf, type Transport } from '../cells/cell.js'
import type { Endpoint } from '../cli/command-line.js'
import type { Destination } from '../ends/connect.js'
import { RpcResponder } from './rpc-responder.js'

/** The processes that answer, or the one of another machine. */
export class Responders implements AsyncDisposable {
  readonly destinations = new Map<Transport, Destination>()
  readonly #own: RpcResponder[] = []

  static async start(options: { transports: readonly Transport[]; to: Endpoint | undefined }, cpu: number | null): Promise<Responders> {
    const responders = new Responders()
    for (const transport of options.transports) {
      if (options.to !== undefined) {
        responders.destinations.set(transport, options.to)
        continue
      }
      const responder = await RpcResponder.start({ host: familyOf(transport) === 6 ? '::1' : '127.0.0.1', port: 0, cpu })
      responders.#own.push(responder)
      responders.destinations.set(transport, responder)
    }
    return responders
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#own.map((one) => one[Symbol.asyncDispose]()))
  }
}
