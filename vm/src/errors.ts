/** Exit status of the harness itself when it could not run the command at all (the guest's command may use it too). */
export const harnessFailureStatus = 125
/** Exit status when the command outlasted `--timeout-s`. */
export const timeoutStatus = 124
/** Exit status for a wrong command line. */
export const usageStatus = 2

/**
 * A failure that the harness explains in full in its message: it is printed without a stack.
 *
 * @param exitStatus status of the process that reports it
 */
export class VmError extends Error {
  readonly exitStatus: number

  constructor(message: string, exitStatus: number = harnessFailureStatus) {
    super(message)
    this.name = 'VmError'
    this.exitStatus = exitStatus
  }
}
