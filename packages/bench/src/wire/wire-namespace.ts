import { spawnSync } from 'node:child_process'
import { BenchFailure } from '../cli/failure.js'
import { isOwnerAlive, ownIdentity } from '../machine/process-identity.js'

/** Names of the namespaces begin with this; the identity of their maker follows. */
export const NAMESPACE_PREFIX = 'sendzc-wire-'

/** The two ends of the cable. Packets leave by the near one; the peer's frames come in through the far one. */
export const WIRE_DEVICES = { near: 'wire0', far: 'wire1' } as const

/** Addresses of the two ends. They exist within the namespace only. */
export const WIRE_ADDRESSES = { near4: '10.83.0.1', far4: '10.83.0.2', near6: 'fd83::1', far6: 'fd83::2' } as const

/** How long a step may take, in ms. */
const STEP_TIMEOUT_MS = 20_000

/**
 * Settings of sockets in the namespace. Ports of many connections are used again after a second instead of a minute: each cell opens
 * thousands. A congestion control that is not listed as allowed can be no namespace's default (net/ipv4/tcp_cong.c), hence the second one.
 */
const SYSCTLS = [
  ['net/ipv4/tcp_tw_reuse', '1'],
  ['net/ipv4/ip_local_port_range', '11000 65535'],
  ['net/ipv6/conf/all/accept_ra', '0'],
] as const
const CONGESTION_CONTROLS = ['cubic', 'reno'] as const

/** A network namespace with a cable whose near end sends: made, and removed again, by one process. */
export class WireNamespace implements Disposable {
  /** For `ip netns exec`. */
  readonly name = `${NAMESPACE_PREFIX}${ownIdentity()}`
  /** The default congestion control of its sockets. */
  congestionControl = ''

  private constructor() {}

  /**
   * Makes a namespace, after it has removed those whose makers are gone.
   * @throws BenchFailure in one line with cause and remedy; nothing is left then
   */
  static create(mtuBytes: number): WireNamespace {
    if (process.geteuid?.() !== 0)
      throw new BenchFailure('The wire needs a network namespace, a veth pair and BPF, which are for root: run it as root.')
    sweepNamespaces()
    const namespace = new WireNamespace()
    try {
      namespace.#fill(mtuBytes)
    } catch (error) {
      namespace[Symbol.dispose]()
      throw error
    }
    return namespace
  }

  /** A command line that runs in it. */
  command(...command: string[]): [string, ...string[]] {
    return ['ip', 'netns', 'exec', this.name, ...command]
  }

  /** Removes it; programs that still run in it keep its devices until they end. */
  [Symbol.dispose](): void {
    ip('netns', 'delete', this.name)
  }

  #fill(mtuBytes: number): void {
    const { near, far } = WIRE_DEVICES
    need('this process may make no network namespace: run it as root, outside of a container', 'netns', 'add', this.name)
    need('this kernel may lack veth: modprobe veth', '-n', this.name, 'link', 'add', near, 'type', 'veth', 'peer', 'name', far)
    const own = (...args: string[]): string => need('', '-n', this.name, ...args)
    own('link', 'set', 'lo', 'up')
    for (const device of [near, far]) own('link', 'set', device, 'mtu', String(mtuBytes), 'addrgenmode', 'none', 'up')
    own('address', 'add', `${WIRE_ADDRESSES.near4}/24`, 'dev', near)
    own('address', 'add', `${WIRE_ADDRESSES.near6}/64`, 'dev', near, 'nodad')
    const mac = /link\/ether ([0-9a-f:]+)/u.exec(own('-o', 'link', 'show', far))?.[1] ?? ''
    for (const address of [WIRE_ADDRESSES.far4, WIRE_ADDRESSES.far6])
      own('neigh', 'add', address, 'lladdr', mac, 'dev', near, 'nud', 'permanent')
    for (const [name, value] of SYSCTLS) this.#set(name, value)
    this.congestionControl = CONGESTION_CONTROLS.find((name) => this.#set('net/ipv4/tcp_congestion_control', name)) ?? "the system's"
  }

  #set(name: string, value: string): boolean {
    const [program, ...args] = this.command('sh', '-c', 'echo "$1" > "/proc/sys/$0"', name, value)
    return spawnSync(program, args, { stdio: 'ignore', timeout: STEP_TIMEOUT_MS }).status === 0
  }
}

/** Removes the namespaces whose makers were killed before they could remove them. */
export function sweepNamespaces(): void {
  for (const line of ip('netns', 'list').output.split('\n')) {
    const name = line.split(' ')[0] ?? ''
    if (name.startsWith(NAMESPACE_PREFIX) && !isOwnerAlive(name.slice(NAMESPACE_PREFIX.length))) ip('netns', 'delete', name)
  }
}

function ip(...args: string[]): { ok: boolean; output: string } {
  const { error, status, stdout, stderr } = spawnSync('ip', args, { encoding: 'utf8', timeout: STEP_TIMEOUT_MS })
  if (error !== undefined) return { ok: false, output: error.message }
  return { ok: status === 0, output: status === 0 ? stdout : stderr.trim() }
}

function need(remedy: string, ...args: string[]): string {
  const { ok, output } = ip(...args)
  if (!ok) throw new BenchFailure(`The wire: "ip ${args.join(' ')}" failed: ${output}${remedy === '' ? '' : `; ${remedy}`}.`)
  return output
}
