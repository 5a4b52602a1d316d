// The targets of prebuilt addons, and the name of each by npm, by the compiler, by Debian and in an ELF file.

/** Symbols of glibc that a prebuilt addon may need at most: the floor of Node.js 20's own binaries. */
export const MAX_GLIBC = '2.28'

export const TARGETS = [
  {
    name: 'linux-x64-gnu',
    cpu: 'x64',
    libc: 'glibc',
    triple: `x86_64-linux-gnu.${MAX_GLIBC}`,
    machine: 'EM_X86_64',
    headers: 'x86_64-linux-gnu',
  },
  { name: 'linux-x64-musl', cpu: 'x64', libc: 'musl', triple: 'x86_64-linux-musl', machine: 'EM_X86_64', headers: 'x86_64-linux-gnu' },
  {
    name: 'linux-arm64-gnu',
    cpu: 'arm64',
    libc: 'glibc',
    triple: `aarch64-linux-gnu.${MAX_GLIBC}`,
    machine: 'EM_AARCH64',
    headers: 'aarch64-linux-gnu',
  },
  {
    name: 'linux-arm64-musl',
    cpu: 'arm64',
    libc: 'musl',
    triple: 'aarch64-linux-musl',
    machine: 'EM_AARCH64',
    headers: 'aarch64-linux-gnu',
  },
]

/** The addons that a user's packages need, by their folder below packages/. */
export const ADDONS = ['sendmsg', 'uring']

/** The laboratory's addon, which its own package carries, and the name of the one target that it is built for. */
export const LABORATORY = { addon: 'socket', target: 'linux-x64-gnu' }
