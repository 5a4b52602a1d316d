import { type Backend, auto as chooseFrom } from '@sendzc/core'
import type { ChosenBackend } from '@sendzc/core/driver'
import { copy, errqueue, inline } from '@sendzc/sendmsg'
import { uring } from '@sendzc/uring'

/** Every backend of this package, the best first: the one with the fewest system calls for each send. */
export function installedBackends(): readonly Backend[] {
  return [uring(), inline(), errqueue(), copy()]
}

/**
 * Chooses the first backend that works on the socket, and says what it chose and what it passed over, with the reasons (`writer.choice`).
 * With it the writer also notices a path on which the kernel copies everything (loopback, veth), and stops asking for zero-copy there.
 * @param backends - in the order of preference; left out: `uring()`, `inline()`, `errqueue()`, `copy()`
 * @throws ZeroCopyError ERR_ZC_INVALID_OPTION for a value other than an array of backends; from `open`, the error of the last backend with all causes
 */
export function auto(backends: readonly Backend[] = installedBackends()): ChosenBackend {
  return chooseFrom(backends)
}
