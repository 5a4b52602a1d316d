import type { Capability } from '../driver/capabilities.js'
import type { Backend, BackendName, Driver, DriverOpenOptions, ProcessMemory } from '../driver/driver.js'
import { ZeroCopyError } from '../errors.js'
import { AUTO_DEFAULTS } from '../writer/options.js'
import { type ChosenBackend, isBackend, refuseOtherInterface } from './open-writer.js'

/**
 * Chooses the first backend that works on the socket, in the given order. `writer.choice` names the choice and its reason.
 * With `auto()` the writer also notices a path on which the kernel copies everything (loopback, veth). There it stops asking for
 * zero-copy, and tries again now and then. It asks for messages of 40,960 bytes and more: a datagram, or joined writes of 4,096 bytes
 * and more each; see `minZerocopyMessageBytes` and `minZerocopyBytes`.
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION where `backends` is empty or holds another value; from `open`, the last backend's error with all causes
 */
export function auto(backends: readonly Backend[]): ChosenBackend {
  if (!Array.isArray(backends) || backends.length === 0 || !backends.every(isBackend)) {
    throw new ZeroCopyError(
      'ERR_ZC_INVALID_OPTION',
      'auto() needs an array of backends, one at least, for example auto([uring(), errqueue(), copy()]).',
    )
  }
  const names = backends.map(({ name }) => name).join(', ')
  let choice = 'auto: nothing opened yet'
  let chosen: BackendName = (backends[0] as Backend).name
  const opened = new Set<() => ProcessMemory>()
  return {
    get name(): BackendName {
      return chosen
    },
    get processMemory() {
      return [...opened]
    },
    writerDefaults: AUTO_DEFAULTS,
    choice: () => choice,
    probe: () => probeAll(backends),
    open(options: DriverOpenOptions): Driver {
      const passed: ZeroCopyError[] = []
      const reasons: string[] = []
      for (const backend of backends) {
        try {
          refuseOtherInterface(backend)
          const driver = backend.open(options)
          chosen = backend.name
          for (const memory of backend.processMemory ?? []) opened.add(memory)
          choice = `${backend.name}: the first of ${names} that works here`
          if (reasons.length > 0) choice += `; ${reasons.join('; ')}`
          return driver
        } catch (error) {
          if (!ZeroCopyError.is(error) || !isBackendsFault(error)) throw error
          passed.push(error)
          reasons.push(`not ${backend.name}: ${error.message}`)
        }
      }
      const last = passed.at(-1) as ZeroCopyError
      throw new ZeroCopyError(last.code, `No backend works on this socket: ${reasons.join('; ')}`, {
        cause: new AggregateError(passed),
        errno: last.errno,
        syscall: last.syscall,
        remedy: 'Each cause names what can be done about it.',
      })
    },
  }
}

/** Whether another backend could do better: false where the descriptor itself is at fault. */
function isBackendsFault({ code }: ZeroCopyError): boolean {
  return (
    code === 'ERR_ZC_BACKEND_UNAVAILABLE' ||
    code === 'ERR_ZC_UNSUPPORTED_SOCKET' ||
    code === 'ERR_ZC_PLATFORM' ||
    code === 'ERR_ZC_PERMISSION' ||
    code === 'ERR_ZC_LIMIT'
  )
}

function probeAll(backends: readonly Backend[]): Capability {
  const probes = backends.map((backend) => backend.probe())
  const first = probes.find(({ available }) => available)
  const checks = probes.flatMap(({ backend, checks }) => checks.map((check) => ({ ...check, name: `${backend}: ${check.name}` })))
  if (first !== undefined) return { ...first, checks }
  return {
    backend: (backends[0] as Backend).name,
    available: false,
    reason: probes.map(({ backend, reason }) => `${backend}: ${reason}`).join('; '),
    checks,
  }
}
