import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { VmError } from './errors.js'

/** Debian packages of the `vm` tool group. */
const debianPackages = [
  'linux-source-6.12',
  'qemu-system-x86',
  'flex',
  'bison',
  'bc',
  'libelf-dev',
  'libssl-dev',
  'cpio',
  'xz-utils',
  'gcc-multilib',
  'iproute2',
  'strace',
  'make',
  'gcc',
  'patch',
]

const sourceHint =
  'and a tarball of Linux 6.12, whose path goes into SENDZC_LINUX_SOURCE (a distribution other than Debian has no linux-source-6.12)'

/** What to type elsewhere; none of these ships Debian's kernel source. */
const otherCommands: readonly (readonly [program: string, command: string])[] = [
  [
    'dnf',
    'dnf install qemu-system-x86 flex bison bc elfutils-libelf-devel openssl-devel cpio xz glibc-devel.i686 libgcc.i686 iproute strace make gcc patch',
  ],
  [
    'pacman',
    'pacman -S --needed qemu-system-x86 flex bison bc libelf openssl cpio xz lib32-glibc lib32-gcc-libs iproute2 strace make gcc patch',
  ],
  [
    'apk',
    'apk add qemu-system-x86_64 flex bison bc elfutils-dev openssl-dev cpio xz gcc musl-dev linux-headers iproute2 strace make patch coreutils util-linux',
  ],
]

/** Installs packages with a bounded number of tries; from this file, compiled or not. */
const aptInstall = fileURLToPath(new URL('../../scripts/apt-install.mjs', import.meta.url))

/** Whether a program is in the search path. */
export function hasProgram(name: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK)
      return folder !== ''
    } catch {
      return false
    }
  })
}

function missingDebianPackages(): string[] {
  const ownSource = process.env.SENDZC_LINUX_SOURCE !== undefined
  const wanted = debianPackages.filter((name) => !(ownSource && name.startsWith('linux-source')))
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholders
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\n', ...wanted], { encoding: 'utf8' })
  const installed = new Set(
    query.stdout
      .split('\n')
      .filter((line) => line.endsWith(' installed'))
      .map((line) => line.split(' ')[0]),
  )
  return wanted.filter((name) => !installed.has(name))
}

/**
 * Sees to the programs and headers that building and booting the kernel need: installs them on Debian
 * and Ubuntu when root, says what to type otherwise.
 *
 * @throws VmError with the exact command when something is missing and cannot be installed from here
 */
export function ensureSystemPackages(): void {
  if (hasProgram('dpkg-query')) ensureOnDebian()
  else ensureElsewhere()
}

function ensureOnDebian(): void {
  const missing = missingDebianPackages()
  if (missing.length === 0) return
  if (process.getuid?.() !== 0) {
    throw new VmError(`these packages are missing; install them with\n  sudo apt-get install -y ${missing.join(' ')}`)
  }
  console.error(`vm: installing ${missing.join(' ')}`)
  const { status } = spawnSync(process.execPath, [aptInstall, ...missing], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (status !== 0) throw new VmError(`apt-get could not install them; run\n  apt-get update && apt-get install -y ${missing.join(' ')}`)
}

function ensureElsewhere(): void {
  const programs = ['qemu-system-x86_64', 'flex', 'bison', 'bc', 'cpio', 'xz', 'ip', 'strace', 'make', 'gcc', 'patch']
  const missing = programs.filter((name) => !hasProgram(name))
  const hasSource = process.env.SENDZC_LINUX_SOURCE !== undefined
  if (missing.length === 0 && hasSource) return
  const what = missing.length === 0 ? 'the kernel source is missing' : `these programs are missing: ${missing.join(', ')}`
  const commands = otherCommands.filter(([program]) => hasProgram(program)).map(([, command]) => command)
  const listed = commands.length > 0 ? commands : otherCommands.map(([, command]) => command)
  throw new VmError(`${what}; install them as root with\n  ${listed.join('\n  ')}\n${sourceHint}`)
}
