import { release } from 'node:os'
import { type Capability, ZeroCopyError } from '@sendzc/core'
import { type CapabilityCheck, Errno, errnoName } from '@sendzc/core/driver'
import { ringFailure } from './failures.js'
import { canLockAnyMemory, ioUringDisabled, kernelAtLeast, memlockLimitBytes } from './host-facts.js'
import { loadNative } from './native.js'
import type { ResolvedUringOptions } from './options.js'

/** Names of the setup flags that are of interest here (io_uring_setup(2)). */
const setupFlagNames: readonly (readonly [number, string])[] = [
  [1 << 7, 'SUBMIT_ALL'],
  [1 << 8, 'COOP_TASKRUN'],
  [1 << 9, 'TASKRUN_FLAG'],
  [1 << 12, 'SINGLE_ISSUER'],
  [1 << 13, 'DEFER_TASKRUN'],
]

function describeFlags(flags: number): string {
  const names = setupFlagNames.filter(([bit]) => (flags & bit) !== 0).map(([, name]) => name)
  return names.length === 0 ? 'none' : names.join(' ')
}

function checkSysctl(): CapabilityCheck {
  const disabled = ioUringDisabled()
  const ok = disabled === undefined || disabled === 0
  return {
    name: 'kernel.io_uring_disabled',
    ok,
    found: disabled === undefined ? 'no such sysctl (before Linux 6.6)' : String(disabled),
    ...(ok ? {} : { remedy: 'Set kernel.io_uring_disabled=0 as an administrator.' }),
  }
}

function checkMemlock(options: ResolvedUringOptions): CapabilityCheck {
  const limit = memlockLimitBytes()
  const needed = options.fixedBuffers === undefined ? 0 : options.fixedBuffers.count * options.fixedBuffers.bytes
  const free = canLockAnyMemory()
  const ok = free || limit === undefined || limit > needed
  return {
    name: 'RLIMIT_MEMLOCK',
    ok,
    found: `${limit === undefined ? 'unknown' : `${limit} bytes`}${free ? ', not applied (CAP_IPC_LOCK)' : ''}`,
    ...(ok ? {} : { remedy: 'Raise the memlock limit (ulimit -l): zero-copy sends and fixed buffers count against it.' }),
  }
}

/** Checks the needs of `uring()`. Never throws. */
export function probeUring(options: ResolvedUringOptions): Capability {
  const checks: CapabilityCheck[] = []
  const recent = kernelAtLeast(6, 1)
  checks.push({
    name: 'kernel version',
    ok: recent,
    found: release(),
    ...(recent ? {} : { remedy: 'Linux 6.1 or newer is needed (or a distribution that backported SENDMSG_ZC).' }),
  })
  let native: ReturnType<typeof loadNative>
  try {
    native = loadNative()
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const remedy = ZeroCopyError.is(error) ? error.remedy : undefined
    checks.push({ name: 'addon', ok: false, found: reason, ...(remedy === undefined ? {} : { remedy }) })
    return unavailable(reason, remedy, checks)
  }
  checks.push(checkSysctl())
  const findings = new Uint32Array(4)
  const result = native.probe(options.entries, options.completionEntries, findings)
  if (result < 0) {
    const { message, remedy } = ringFailure(-result)
    checks.push({ name: 'io_uring_setup', ok: false, found: errnoName(-result), remedy }, checkMemlock(options))
    return unavailable(message, remedy, checks)
  }
  return withRing(findings, checks, options)
}

function withRing(findings: Uint32Array, checks: CapabilityCheck[], options: ResolvedUringOptions): Capability {
  const [setupFlags = 0, sendZc = 0, sendmsgZc = 0, reportsUsage = 0] = findings
  const flags = describeFlags(setupFlags)
  const { message, remedy } = ringFailure(Errno.EOPNOTSUPP)
  const opcode = (name: string, since: string, there: boolean): CapabilityCheck => ({
    name,
    ok: there,
    found: there ? 'yes' : 'no',
    ...(there ? {} : { remedy: `Linux ${since} or newer is needed.` }),
  })
  const memlock = checkMemlock(options)
  checks.push(
    { name: 'io_uring_setup', ok: true, found: 'works' },
    { name: 'setup flags', ok: true, found: flags },
    opcode('IORING_OP_SEND_ZC', '6.0', sendZc === 1),
    opcode('IORING_OP_SENDMSG_ZC', '6.1', sendmsgZc === 1),
    opcode('IORING_SEND_ZC_REPORT_USAGE', '6.2', reportsUsage === 1),
    memlock,
  )
  if (sendZc !== 1 || sendmsgZc !== 1) return unavailable(message, remedy, checks)
  if (!memlock.ok) return unavailable(`RLIMIT_MEMLOCK is too low: ${memlock.found}.`, memlock.remedy, checks)
  const copies = reportsUsage === 1 ? '' : '; Linux before 6.2 does not report copied sends'
  return { backend: 'uring', available: true, reason: `io_uring with SEND_ZC and SENDMSG_ZC, ring flags ${flags}${copies}.`, checks }
}

function unavailable(reason: string, remedy: string | undefined, checks: CapabilityCheck[]): Capability {
  return { backend: 'uring', available: false, reason, ...(remedy === undefined ? {} : { remedy }), checks }
}
