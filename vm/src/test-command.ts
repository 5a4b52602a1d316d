import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { defaultGuestOptions, type GuestOptions, type TestBoot, testBoots } from './arguments.js'
import { checkoutFolder } from './checkout.js'
import { VmError } from './errors.js'
import type { GuestOutcome } from './guest-run.js'
import { type BuiltKernel, buildKernel, buildSelftests } from './kernel-build.js'
import { kernelProblems } from './kernel-log.js'
import { type ChosenMachine, chooseMachine, runAttached } from './run-command.js'
import { selftestFrames, suiteTotals } from './selftest-frames.js'
import { addOutcomes, parseTap, type TapOutcome } from './tap.js'

/** Longest run of one kernel selftest, plain and debug kernel. */
export const selftestTimeoutS = { plain: 300, debug: 1200 } as const
/** Longest run of everything in one boot, plain and debug kernel. */
export const bootRunTimeoutS = { plain: 3600, debug: 14_400 } as const

/** Lets reception on loopback keep the sender's pages: for measurement only. */
export const measurementSysctl = 'net.core.zerocopy_loopback_rx'

/** The project's own suite; prints `N passed, N failed, N skipped` as its last line. */
const suiteScript = 'scripts/vm-suite.mjs'

/** The boots in which the suite runs; it finds the name in SENDZC_VM_SUITE. */
const suiteBoots: Readonly<Record<Exclude<TestBoot, 'selftests'>, Partial<GuestOptions>>> = {
  loopback: {},
  'loopback-zerocopy': { sysctls: [[measurementSysctl, '1']] },
  net: { net: true },
}

const nothing: TapOutcome = { passed: 0, failed: 0, skipped: 0, remarks: [] }

function failed(remark: string): TapOutcome {
  return { ...nothing, failed: 1, remarks: [remark] }
}

function skipped(remark: string): TapOutcome {
  return { ...nothing, skipped: 1, remarks: [remark] }
}

/** Runs `argv` in one boot; a guest that fails and a kernel that complains are failures, not exceptions. */
async function runBoot(
  name: string,
  machine: ChosenMachine,
  kernel: BuiltKernel,
  argv: readonly string[],
  judge: (output: string, outcome: GuestOutcome) => TapOutcome,
): Promise<TapOutcome> {
  console.log(`# boot: ${name}`)
  const chunks: Buffer[] = []
  try {
    const outcome = await runAttached(machine, kernel, argv, (bytes) => {
      chunks.push(bytes)
      process.stdout.write(bytes)
    })
    const judged = judge(Buffer.concat(chunks).toString(), outcome)
    const late = outcome.status === undefined ? [failed(`${name}: not ended within ${machine.guest.timeoutS} s`)] : []
    return addOutcomes([judged, ...late, logOutcome(name, outcome.kernelLog)])
  } catch (error) {
    if (!(error instanceof VmError)) throw error
    return failed(`${name}: ${error.message}`)
  }
}

function logOutcome(name: string, kernelLog: string): TapOutcome {
  const problems = kernelProblems(kernelLog)
  if (problems.length === 0) return { ...nothing, passed: 1 }
  return failed(`${name}: the kernel complained:\n${problems.map((line) => `    ${line}`).join('\n')}`)
}

async function runSelftests(machine: ChosenMachine, kernel: BuiltKernel): Promise<TapOutcome> {
  const name = 'kernel selftests'
  const folder = await buildSelftests()
  if (folder === undefined) return skipped(`${name}: kernel/selftests has no Makefile`)
  const limitS = machine.guest.debug ? selftestTimeoutS.debug : selftestTimeoutS.plain
  const argv = [join(checkoutFolder(), 'vm', 'guest', 'selftests'), folder, String(limitS)]
  return runBoot(name, machine, kernel, argv, (output) => {
    const frames = selftestFrames(output)
    if (frames.length === 0) return failed(`${name}: no program ran`)
    return addOutcomes(
      frames.map(({ name: program, output: text, status }) =>
        status === undefined ? failed(`${program}: the guest ended before it did`) : parseTap(program, text, status),
      ),
    )
  })
}

async function runSuite(boot: keyof typeof suiteBoots, machine: ChosenMachine, kernel: BuiltKernel): Promise<TapOutcome> {
  const name = `conformance suite, ${boot}`
  const options = suiteBoots[boot]
  if (!existsSync(join(checkoutFolder(), suiteScript))) return skipped(`${name}: there is no ${suiteScript}`)
  if (options.net === true && process.getuid?.() !== 0) return skipped(`${name}: two interfaces on taps need root`)
  const guest = { ...machine.guest, ...options, environment: [['SENDZC_VM_SUITE', boot]] as const }
  const argv = [process.execPath, suiteScript]
  return runBoot(name, { ...machine, guest }, kernel, argv, (output, { status }) => {
    const totals = suiteTotals(output)
    if (totals === undefined) return failed(`${name}: no line "N passed, N failed", exit status ${status}`)
    const silent = status !== 0 && totals.failed === 0 ? [failed(`${name}: exit status ${status} although no test failed`)] : []
    return addOutcomes([{ ...totals, remarks: totals.failed > 0 ? [`${name}: ${totals.failed} failed`] : [] }, ...silent])
  })
}

/**
 * `vm test`: kernel selftests in one boot, then the project's suite in three, then the kernel's log of each. The log of
 * a boot counts as one test.
 *
 * @param boots which of them
 * @returns 0 when nothing failed
 */
export async function testInGuest(debug: boolean, boots: readonly TestBoot[]): Promise<number> {
  const kernel = await buildKernel(debug)
  const timeoutS = debug ? bootRunTimeoutS.debug : bootRunTimeoutS.plain
  const machine = await chooseMachine({ ...defaultGuestOptions, debug, timeoutS }, kernel)
  const outcomes: TapOutcome[] = []
  for (const boot of boots) outcomes.push(await (boot === 'selftests' ? runSelftests(machine, kernel) : runSuite(boot, machine, kernel)))
  const total = addOutcomes(outcomes)
  if (boots.length < testBoots.length) console.log(`# only ${boots.join(', ')} of ${testBoots.join(', ')}`)
  for (const remark of total.remarks) console.log(`# ${remark}`)
  console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`)
  return total.failed === 0 ? 0 : 1
}
