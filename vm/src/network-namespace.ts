import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { VmError } from './errors.js'
import { netMtuBytes, tapNames } from './machine-model.js'
import { isOwnerAlive, ownIdentity } from './process-identity.js'
import { hasProgram } from './system-packages.js'

/** Names of the harness's namespaces begin with this; an identity follows. */
const namePrefix = 'sendzc-vm-'
const bridge = 'sendzcbr'

function ip(...args: string[]): { ok: boolean; output: string } {
  const outcome = spawnSync('ip', args, { encoding: 'utf8' })
  return { ok: outcome.status === 0, output: outcome.status === 0 ? outcome.stdout : `${outcome.stderr}`.trim() }
}

function requireNetworkTools(): void {
  if (process.getuid?.() !== 0) throw new VmError('--net makes a network namespace with two taps: run it as root')
  if (!hasProgram('ip')) throw new VmError('--net needs the program ip: install iproute2')
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK)
  } catch {
    throw new VmError('--net needs /dev/net/tun: load the module with "modprobe tun", or give the container that device')
  }
}

/** Removes the namespaces of runs that were killed, with all that is in them. */
function sweep(): void {
  for (const line of ip('netns', 'list').output.split('\n')) {
    const name = line.split(' ')[0] as string
    if (name.startsWith(namePrefix) && !isOwnerAlive(name.slice(namePrefix.length))) ip('netns', 'delete', name)
  }
}

/**
 * A network namespace of the host with a bridge and two taps that carry the virtio-net header. No interface
 * of it has an address or leads anywhere else, so that the guest's traffic stays inside.
 */
export class NetworkNamespace {
  /** For `ip netns exec`. */
  readonly name: string

  private constructor(name: string) {
    this.name = name
  }

  /**
   * @throws VmError when not root, without /dev/net/tun or iproute2, or when a step fails (nothing is left then)
   */
  static create(): NetworkNamespace {
    requireNetworkTools()
    sweep()
    const namespace = new NetworkNamespace(`${namePrefix}${ownIdentity()}`)
    try {
      namespace.#fill()
    } catch (error) {
      namespace.remove()
      throw error
    }
    return namespace
  }

  /** Removes the namespace; what still runs in it keeps its interfaces until it ends. */
  remove(): void {
    ip('netns', 'delete', this.name)
  }

  #fill(): void {
    this.#need('netns', 'add', this.name)
    // No spanning tree and no multicast snooping: the bridge forwards everything from the first frame on.
    this.#need('-n', this.name, 'link', 'add', bridge, 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0', 'mcast_snooping', '0')
    for (const tap of tapNames) {
      this.#need('-n', this.name, 'tuntap', 'add', 'dev', tap, 'mode', 'tap', 'vnet_hdr')
      this.#need('-n', this.name, 'link', 'set', tap, 'mtu', String(netMtuBytes), 'master', bridge, 'addrgenmode', 'none', 'up')
    }
    this.#need('-n', this.name, 'link', 'set', bridge, 'mtu', String(netMtuBytes), 'addrgenmode', 'none', 'up')
  }

  #need(...args: string[]): void {
    const { ok, output } = ip(...args)
    if (!ok) throw new VmError(`--net: "ip ${args.join(' ')}" failed: ${output}`)
  }
}
