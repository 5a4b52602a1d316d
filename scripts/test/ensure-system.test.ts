import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('../ensure-system.mjs', import.meta.url))
/** A user namespace without a mapping: the process is nobody in its own eyes, and can read what the caller can. */
const asNobody = ['unshare', '--user']
/** No header and no library of the system is to be seen. */
const withoutHeaders = ['unshare', '--mount', '--map-root-user', 'sh', '-ec', 'mount -t tmpfs none /usr/include && exec "$0" "$@"']

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sendzc-system-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** Runs the step with nothing but `folder` in its PATH, behind `prefix`. */
function ensure(groups: readonly string[], prefix: readonly string[] = []): { status: number | null; stdout: string; stderr: string } {
  const [file, ...args] = [
    ...prefix,
    '/usr/bin/env',
    `PATH=${folder}`,
    'SENDZC_APT_FIRST_PAUSE_MS=10',
    process.execPath,
    script,
    ...groups,
  ] as [string, ...string[]]
  const { status, stdout, stderr } = spawnSync(file, args, { encoding: 'utf8' })
  return { status, stdout, stderr }
}

function provide(...commands: string[]): void {
  for (const command of commands) symlinkSync('/bin/true', join(folder, command))
}

/** Stands in for the real one, which would change the machine: notes its arguments, and then runs `body`. */
function provideAptGet(body: string): () => string[] {
  const log = join(folder, 'apt-get.log')
  writeFileSync(join(folder, 'apt-get'), `#!/bin/sh\necho "$@" >> ${log}\n${body}\n`)
  chmodSync(join(folder, 'apt-get'), 0o755)
  return () => (existsSync(log) ? readFileSync(log, 'utf8').trimEnd().split('\n') : [])
}

describe('a machine that lacks something', () => {
  it('is told what is missing, and the command for each package manager; status 1', () => {
    const { status, stderr } = ensure(['build'], withoutHeaders)
    expect(status).toBe(1)
    expect(stderr).toBe(`sendzc: missing on this machine: compiler, make, python, liburing. Install it with one of
  sudo apt-get install -y g++ make python3 liburing-dev
  sudo dnf install -y gcc-c++ make python3 liburing-devel
  sudo pacman -S --needed gcc make python liburing
  sudo apk add g++ make python3 liburing-dev
`)
  })

  it('installs nothing as an ordinary user, though apt-get is there', () => {
    provide('make', 'python3')
    const calls = provideAptGet('exit 1')
    const { status, stderr } = ensure(['build'], asNobody)
    expect(status).toBe(1)
    expect(stderr).toMatch(/^sendzc: missing on this machine: compiler(, liburing)?\. /)
    expect(stderr).toContain('sudo apt-get install -y g++')
    expect(calls()).toEqual([])
  })

  it('says so where a package manager has no such package', () => {
    const { status, stderr } = ensure(
      ['test', 'peers'],
      ['unshare', '--mount', '--map-root-user', 'sh', '-ec', 'mount -t tmpfs none /usr/src && exec "$0" "$@"'],
    )
    expect(status).toBe(1)
    expect(stderr).toContain('sudo apt-get install -y strace iproute2 g++ linux-source')
    expect(stderr).toContain('sudo pacman -S --needed strace iproute2 gcc (no package of pacman: linuxSource)')
  })
})

describe('a machine that lacks nothing', () => {
  it('is left alone, in silence', () => {
    provide('strace', 'ip', 'tc')
    const calls = provideAptGet('exit 1')
    expect(ensure(['test'])).toEqual({ status: 0, stdout: '', stderr: '' })
    expect(calls()).toEqual([])
  })
})

const isDebian = existsSync('/etc/debian_version')
describe.runIf(isDebian)('root on Debian', () => {
  const asRoot = process.getuid?.() === 0 ? [] : ['unshare', '--map-root-user']

  it('gets what is missing, with apt-get', () => {
    provide('ip', 'tc')
    const calls = provideAptGet(`/bin/ln -s /bin/true ${join(folder, 'strace')}`)
    const { status, stderr } = ensure(['test'], asRoot)
    expect({ status, stderr }).toEqual({ status: 0, stderr: 'sendzc: installing strace with apt-get ...\n' })
    expect(calls()).toEqual(['-o DPkg::Lock::Timeout=300 install -y --no-install-recommends strace'])
  })

  it('has its package lists fetched where the first try fails', () => {
    provide('ip', 'tc')
    const calls = provideAptGet(
      `case "$*" in *update*) : > ${folder}/updated;; esac\n[ -e ${folder}/updated ] || exit 100\n/bin/ln -sf /bin/true ${folder}/strace`,
    )
    expect(ensure(['test'], asRoot).status).toBe(0)
    expect(calls().map((line) => (line.includes('update') ? 'update' : 'install'))).toEqual(['install', 'update', 'install'])
  })

  it('is served where a name is not found for a while: the second fetching of the lists finds it', () => {
    provide('ip', 'tc')
    const tried = `echo x >> ${folder}/tries; [ $(/usr/bin/wc -l < ${folder}/tries) -ge 5 ] || exit 100`
    const calls = provideAptGet(`${tried}\n/bin/ln -sf /bin/true ${folder}/strace`)
    const { status, stderr } = ensure(['test'], asRoot)
    expect(status).toBe(0)
    expect(calls().map((line) => (line.includes('update') ? 'update' : 'install'))).toEqual([
      'install',
      'update',
      'install',
      'update',
      'install',
    ])
    expect(stderr).toContain('apt-get install strace failed (try 1 of 4); trying again with fresh package lists')
    expect(stderr).toContain('apt-get install strace failed (try 2 of 4); trying again in 0.01 s')
  })

  it('is told in one line what is still missing after the installation; status 1', () => {
    provide('ip', 'tc')
    provideAptGet('exit 0')
    const { status, stderr } = ensure(['test'], asRoot)
    expect(status).toBe(1)
    expect(stderr.trimEnd().split('\n').at(-1)).toBe('sendzc: still missing after the installation: strace')
  })

  it('is told why where the installation fails; status 1', () => {
    provide('ip', 'tc')
    const calls = provideAptGet('case "$*" in *update*) ;; *) echo "E: no such package" >&2; exit 100;; esac')
    const { status, stderr } = ensure(['test'], asRoot)
    expect(status).toBe(1)
    expect(stderr).toContain('apt-get install strace failed 4 times')
    expect(stderr).toContain('E: no such package')
    expect(stderr).toContain('failed (try 2 of 4); trying again in 0.01 s')
    expect(calls().filter((line) => line.includes(' install '))).toHaveLength(4)
    expect(stderr).not.toContain('    at ')
  })
})
