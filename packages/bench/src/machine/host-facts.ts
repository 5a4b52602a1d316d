import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { cpus, loadavg, release, totalmem, version } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { HostRecord } from '../record/record.js'

const run = promisify(execFile)

/** How long git may take, in ms: an emulated guest that reads the checkout for the first time takes more than 5 s. */
const GIT_TIMEOUT_MS = 60_000

/** Facts that do not change during a run. */
export type HostIdentity = Omit<HostRecord, 'loadBefore' | 'loadAfter'>

/** Facts of this host that a record carries. Never throws: a fact that cannot be known is null. */
export async function hostIdentity(): Promise<HostIdentity> {
  const processors = cpus()
  return {
    ...(await commitOfSources()),
    kernel: `${release()} ${version()}`,
    cpuModel: processors[0]?.model ?? 'unknown',
    cpuCount: Math.max(1, processors.length),
    node: process.version,
    memoryBytes: totalmem(),
  }
}

/** Load averages, and the CPU time that the hypervisor took. */
export async function hostLoad(): Promise<HostRecord['loadBefore']> {
  return { average: loadavg(), cpuTicks: await cpuTicks() }
}

/** proc(5), /proc/stat: user nice system idle iowait irq softirq steal. */
async function cpuTicks(): Promise<HostRecord['loadBefore']['cpuTicks']> {
  try {
    const line = (await readFile('/proc/stat', 'utf8')).split('\n', 1)[0] ?? ''
    const fields = line.trim().split(/\s+/u).slice(1, 9).map(Number)
    const steal = fields[7]
    const total = fields.reduce((sum, value) => sum + value, 0)
    return steal === undefined || !(total > 0) ? null : { total, steal }
  } catch {
    return null
  }
}

async function commitOfSources(): Promise<Pick<HostRecord, 'commit' | 'dirty'>> {
  const options = { cwd: dirname(fileURLToPath(import.meta.url)), timeout: GIT_TIMEOUT_MS }
  try {
    const { stdout: commit } = await run('git', ['rev-parse', 'HEAD'], options)
    const { stdout: changes } = await run('git', ['status', '--porcelain', '--untracked-files=no'], options)
    return { commit: commit.trim(), dirty: changes.trim() !== '' }
  } catch {
    // No git, or a package outside a checkout: the record says so with null.
    return { commit: null, dirty: null }
  }
}
