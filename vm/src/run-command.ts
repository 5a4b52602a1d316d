import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { GuestOptions } from './arguments.js'
import { checkoutFolder } from './checkout.js'
import { timeoutStatus, VmError } from './errors.js'
import { type GuestOutcome, runInGuest } from './guest-run.js'
import { type BuiltKernel, buildKernel, buildSelftests } from './kernel-build.js'
import { kernelProblems } from './kernel-log.js'
import { kvmVerdict } from './kvm-probe.js'
import type { Accelerator } from './machine-model.js'

/** A machine as it really is: `native` only where KVM runs. */
export interface ChosenMachine {
  readonly guest: GuestOptions
  readonly accelerator: Accelerator
}

/**
 * Replaces `native` by `throughput` where KVM cannot run the guest, and says so in one line: what is emulated
 * is never recorded as native.
 */
export async function chooseMachine(guest: GuestOptions, kernel: BuiltKernel): Promise<ChosenMachine> {
  if (guest.model !== 'native') return { guest, accelerator: 'tcg' }
  const { works, reason } = await kvmVerdict(kernel)
  if (works) return { guest, accelerator: 'kvm' }
  console.error(`vm: KVM cannot run the guest here (${reason}): emulating it, machine model "throughput"`)
  return { guest: { ...guest, model: 'throughput' }, accelerator: 'tcg' }
}

/** The variables by which the command learns about its machine. */
export function machineEnvironment(
  machine: ChosenMachine,
  kernel: BuiltKernel,
  selftests: string | undefined,
): [name: string, value: string][] {
  return [
    ...(selftests === undefined ? [] : [['SENDZC_VM_SELFTESTS', selftests] as [string, string]]),
    ['SENDZC_MACHINE_MODEL', machine.guest.model],
    ['SENDZC_VM_PTI', machine.guest.pti],
    ['SENDZC_VM_NET', machine.guest.net ? '1' : '0'],
    ['SENDZC_VM_KERNEL', kernel.hash],
  ]
}

/** Streams a command in the guest to this process's own output. */
export async function runAttached(
  machine: ChosenMachine,
  kernel: BuiltKernel,
  argv: readonly string[],
  onStdout: (bytes: Buffer) => void = (bytes) => void process.stdout.write(bytes),
): Promise<GuestOutcome> {
  const outputFolder = resolve(machine.guest.outputFolder ?? join(checkoutFolder(), 'results'))
  mkdirSync(outputFolder, { recursive: true })
  const selftests = await buildSelftests()
  return runInGuest({
    ...machine,
    kernelImage: kernel.image,
    argv,
    outputFolder,
    folders: selftests === undefined ? [] : [selftests],
    environment: machineEnvironment(machine, kernel, selftests),
    onStdout,
    onStderr: (bytes) => void process.stderr.write(bytes),
  })
}

/** A kernel that was built elsewhere, named by its content. */
function givenKernel(image: string): BuiltKernel {
  const path = resolve(image)
  if (!existsSync(path)) throw new VmError(`--kernel names "${image}", which does not exist`)
  return { image: path, hash: createHash('sha256').update(readFileSync(path)).digest('hex').slice(0, 24) }
}

/**
 * `vm run`: builds the kernel if need be, boots it and runs the command.
 *
 * @returns the command's exit status, or 124 when it outlasted its limit
 * @throws VmError when the guest did not boot, panicked or could not be set up
 */
export async function runCommandInGuest(guest: GuestOptions, argv: readonly string[]): Promise<number> {
  const kernel = guest.kernelImage === undefined ? await buildKernel(guest.debug) : givenKernel(guest.kernelImage)
  const machine = await chooseMachine(guest, kernel)
  const { status, kernelLog, outputComplete } = await runAttached(machine, kernel, argv)
  const problems = kernelProblems(kernelLog)
  if (problems.length > 0) console.error(`vm: the kernel complained during this run:\n${problems.map((line) => `  ${line}`).join('\n')}`)
  if (status !== undefined) {
    if (!outputComplete) console.error('vm: background processes of the command were ended; they still held its output open')
    return status
  }
  console.error(`vm: the command did not end within ${guest.timeoutS} s`)
  return timeoutStatus
}
