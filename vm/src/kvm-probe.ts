import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { defaultGuestOptions } from './arguments.js'
import { cacheRoot } from './cache-folder.js'
import { VmError } from './errors.js'
import { runInGuest } from './guest-run.js'
import type { BuiltKernel } from './kernel-build.js'

/** A guest under KVM starts a command within this, or KVM counts as unable: natively it takes about a second. */
export const kvmProbeTimeoutMs = 20_000

/** Whether KVM can run this guest on this host. */
export interface KvmVerdict {
  readonly works: boolean
  /** Why not, in one line. */
  readonly reason: string
}

function firstLine(text: string): string {
  return (text.split('\n')[0] as string).replace(/^vm: /, '')
}

async function probe(kernel: BuiltKernel): Promise<KvmVerdict> {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT'
    return { works: false, reason: absent ? 'there is no /dev/kvm' : '/dev/kvm may not be opened by this user' }
  }
  const outputFolder = join(cacheRoot(), 'kvm-probe')
  mkdirSync(outputFolder, { recursive: true })
  try {
    const { status } = await runInGuest({
      guest: { ...defaultGuestOptions, timeoutS: kvmProbeTimeoutMs / 1000 },
      accelerator: 'kvm',
      kernelImage: kernel.image,
      argv: ['/bin/true'],
      outputFolder,
      onStdout: () => undefined,
      onStderr: () => undefined,
      bootLimitMs: kvmProbeTimeoutMs,
    })
    return status === 0 ? { works: true, reason: '' } : { works: false, reason: `/bin/true gave status ${status ?? 'timeout'} in a guest` }
  } catch (error) {
    if (error instanceof VmError) return { works: false, reason: firstLine(error.message) }
    throw error
  }
}

/**
 * Finds out whether KVM can run the guest, by a short boot: /dev/kvm alone does not mean that it can. The verdict
 * is kept until the host boots again or the kernel changes.
 */
export async function kvmVerdict(kernel: BuiltKernel): Promise<KvmVerdict> {
  const file = join(cacheRoot(), 'kvm-verdict.json')
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  try {
    const kept = JSON.parse(readFileSync(file, 'utf8')) as KvmVerdict & { bootId: string; kernel: string }
    if (kept.bootId === bootId && kept.kernel === kernel.hash && typeof kept.works === 'boolean') return kept
  } catch {
    // No verdict yet, or one that cannot be read: make it.
  }
  const verdict = await probe(kernel)
  writeFileSync(file, JSON.stringify({ ...verdict, bootId, kernel: kernel.hash }))
  return verdict
}
