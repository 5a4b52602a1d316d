import { type Backend, auto as chooseFrom } from '@sendzc/core'
import type { ChosenBackend } from '@sendzc/core/driver'
import { copy, errqueue, inline } from '@sendzc/sendmsg'
import { uring } from '@sendzc/uring'

/** Every backend of this package, the best first: the one with the fewest system calls for each send. */
export function installedBackends(): readonly Backend[] {
  return [uring(), inline(), errqueue(), copy()]
}

/**
 * `auto()` of `@sendzc/core`, which chooses the first backend that works on the socket, over the backends of this package. `AUTO_DEFAULTS` are its
 * defaults for the writer.
 * @param backends - in the order of preference; left out: `uring()`, `inline()`, `errqueue()`, `copy()`
 * @throws ZeroCopyError as `auto()` of `@sendzc/core`
 */
export function auto(backends: readonly Backend[] = installedBackends()): ChosenBackend {
  return chooseFrom(backends)
}
