// Looks for the programs and headers that the project needs from the system. As root on Debian or Ubuntu it installs the missing ones, else
// it prints how and stops.
//   node scripts/ensure-system.mjs GROUP...
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { aptInstall } from './apt-install.mjs'

const hasCommand = (name) => () => (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)))
const hasHeader = (name) => () => ['/usr/include', '/usr/local/include'].some((folder) => existsSync(join(folder, name)))
const hasLinuxSource = () =>
  existsSync('/usr/src') && readdirSync('/usr/src').some((name) => /^linux-source-6\..*\.tar\.(xz|zst|bz2)$/.test(name))

const hasChromium = () => hasCommand('chromium')() || hasCommand('chromium-browser')()

/** Each need: how it is found, and its package by package manager; null: that system has no such package. */
const needs = {
  compiler: { found: hasCommand('g++'), apt: 'g++', dnf: 'gcc-c++', pacman: 'gcc', apk: 'g++' },
  make: { found: hasCommand('make'), apt: 'make', dnf: 'make', pacman: 'make', apk: 'make' },
  python: { found: hasCommand('python3'), apt: 'python3', dnf: 'python3', pacman: 'python', apk: 'python3' },
  liburing: {
    found: () => hasHeader('liburing.h')() && hasStaticLiburing(),
    apt: 'liburing-dev',
    dnf: 'liburing-devel',
    pacman: 'liburing',
    apk: 'liburing-dev',
  },
  strace: { found: hasCommand('strace'), apt: 'strace', dnf: 'strace', pacman: 'strace', apk: 'strace' },
  network: {
    found: () => hasCommand('ip')() && hasCommand('tc')(),
    apt: 'iproute2',
    dnf: 'iproute-tc',
    pacman: 'iproute2',
    apk: 'iproute2',
  },
  binutils: { found: hasCommand('readelf'), apt: 'binutils', dnf: 'binutils', pacman: 'binutils', apk: 'binutils' },
  apt: { found: () => hasCommand('apt-get')() && hasCommand('dpkg')(), apt: 'apt', dnf: null, pacman: null, apk: null },
  valgrind: { found: hasCommand('valgrind'), apt: 'valgrind', dnf: 'valgrind', pacman: 'valgrind', apk: 'valgrind' },
  clangFormat: {
    found: hasCommand('clang-format'),
    apt: 'clang-format',
    dnf: 'clang-tools-extra',
    pacman: 'clang',
    apk: 'clang-extra-tools',
  },
  clang: { found: hasCommand('clang'), apt: 'clang', dnf: 'clang', pacman: 'clang', apk: 'clang' },
  libbpf: { found: hasHeader('bpf/libbpf.h'), apt: 'libbpf-dev', dnf: 'libbpf-devel', pacman: 'libbpf', apk: 'libbpf-dev' },
  linuxSource: { found: hasLinuxSource, apt: 'linux-source', dnf: null, pacman: null, apk: null },
  perf: { found: hasCommand('perf'), apt: 'linux-perf', dnf: 'perf', pacman: 'perf', apk: 'perf' },
  nginx: {
    found: () => hasCommand('nginx')() || existsSync('/usr/sbin/nginx'),
    apt: 'nginx-light',
    dnf: 'nginx',
    pacman: 'nginx',
    apk: 'nginx',
  },
  browser: { found: hasChromium, apt: 'chromium', dnf: 'chromium', pacman: 'chromium', apk: 'chromium' },
}

const groups = {
  build: ['compiler', 'make', 'python', 'liburing'],
  test: ['strace', 'network'],
  valgrind: ['valgrind'],
  prebuilt: ['compiler', 'make', 'binutils', 'apt'],
  check: ['clangFormat'],
  peers: ['compiler', 'linuxSource'],
  // Some tests are skipped without these.
  everyTest: ['strace', 'network', 'compiler', 'linuxSource', 'browser', 'clang', 'libbpf', 'nginx'],
  wire: ['compiler', 'network', 'clang', 'libbpf'],
}

function hasStaticLiburing() {
  const folders = ['/usr/lib', '/usr/lib64', '/usr/local/lib', '/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu']
  return folders.some((folder) => existsSync(join(folder, 'liburing.a')))
}

function isDebianAsRoot() {
  if (process.getuid?.() !== 0 || !hasCommand('apt-get')()) return false
  const release = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  return /^ID(_LIKE)?=.*(debian|ubuntu)/m.test(release)
}

/** Makes sure that everything in `names` is there. Ends the process with status 1 and the exact commands where it can't. */
export function ensureSystem(names) {
  const missing = [...new Set(names.flatMap((name) => groups[name] ?? unknownGroup(name)))]
    .map((name) => ({ name, ...needs[name] }))
    .filter((need) => !need.found())
  if (missing.length === 0) return
  const list = (manager) => missing.map((need) => need[manager] ?? `(no package of ${manager}: ${need.name})`).join(' ')
  if (isDebianAsRoot()) {
    console.error(`sendzc: installing ${list('apt')} with apt-get ...`)
    const failure = aptInstall(missing.map(({ apt }) => apt))
    if (failure !== undefined) {
      console.error(`sendzc: ${failure}`)
      process.exit(1)
    }
    const still = missing.filter((need) => !need.found())
    if (still.length === 0) return
    console.error(`sendzc: still missing after the installation: ${still.map(({ name }) => name).join(', ')}`)
    process.exit(1)
  }
  console.error(`sendzc: missing on this machine: ${missing.map(({ name }) => name).join(', ')}. Install it with one of
  sudo apt-get install -y ${list('apt')}
  sudo dnf install -y ${list('dnf')}
  sudo pacman -S --needed ${list('pacman')}
  sudo apk add ${list('apk')}`)
  process.exit(1)
}

function unknownGroup(name) {
  throw new Error(`unknown group ${name}; there are ${Object.keys(groups).join(', ')}`)
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) ensureSystem(process.argv.slice(2))
