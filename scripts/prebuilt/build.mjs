// Builds the addons of one target, or finds them in the user's cache by the hash of their sources, flags and tools.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { cached, run } from './fetch.mjs'
import { ADDONS, LABORATORY, TARGETS } from './targets.mjs'
import { headerFolders, liburing, TOOLCHAIN_ID, zig, zigEnvironment } from './toolchain.mjs'

const root = resolve(import.meta.dirname, '../..')
const packages = join(root, 'packages')
const runtime = join(packages, 'native/prebuilt/runtime.cc')
const exportMap = join(import.meta.dirname, 'addon.map')

/** The flags of binding.gyp, and those that keep the C++ library out. */
const CXX_FLAGS = [
  ...[
    '-shared',
    '-fPIC',
    '-O2',
    '-std=c++17',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-fvisibility=hidden',
    '-s',
    '-DNAPI_VERSION=9',
    '-DNAPI_DISABLE_CPP_EXCEPTIONS',
  ],
  ...['-fno-exceptions', '-fno-rtti', '-ffunction-sections', '-fdata-sections', '-Wl,--gc-sections', '-nostdinc++', '-nostdlib++'],
]
const muslHeader = join(packages, 'native/prebuilt/musl.h')
/** os_defines.h of libstdc++ asks for glibc's version, and musl has none; CMSG_NXTHDR compares integers of different signs. */
const MUSL_FLAGS = ['-D__GLIBC_PREREQ(major,minor)=0', '-include', muslHeader, '-Wno-sign-compare']
/** One run of the compiler; a first one for a target builds link stubs, too. In ms. */
const COMPILE_MS = 600_000
/** Builds of one target that the cache keeps. */
const MAX_KEPT_BUILDS = 6

const sourcesOf = (addon) =>
  readdirSync(join(packages, addon, 'native'))
    .filter((name) => name.endsWith('.cc'))
    .sort()
    .map((name) => join(packages, addon, 'native', name))

/** Hash of the sources, the flags and the tools. */
function buildHash(target, addons) {
  const folders = [...addons.map((addon) => join(packages, addon, 'native')), join(packages, 'native/include/sendzc')]
  const own = ['build.mjs', 'targets.mjs', 'toolchain.mjs'].map((name) => join(import.meta.dirname, name))
  const files = [...folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))), ...own, exportMap]
  const hash = createHash('sha256').update(`${TOOLCHAIN_ID} ${target.name}`)
  for (const file of [...files, runtime, muslHeader].filter((name) => /\.(cc|h|mjs|map)$/.test(name)).sort()) {
    hash.update(file.slice(root.length)).update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 16)
}

function compile(target, addon, into) {
  const { cxx, plain } = headerFolders(target)
  const ring = addon === 'uring' ? liburing(target) : undefined
  const own = [join(packages, addon, 'native'), join(packages, 'native/include')]
  const argv = [
    'c++',
    ...['-target', target.triple],
    ...CXX_FLAGS,
    ...(target.libc === 'musl' ? MUSL_FLAGS : []),
    `-Wl,--version-script=${exportMap}`,
    // Before the C library's, which they include in turn; as system headers the others are not warned of.
    ...cxx.map((folder) => `-I${folder}`),
    ...own.map((folder) => `-I${folder}`),
    ...[...plain, ...(ring === undefined ? [] : [ring.include])].flatMap((folder) => ['-isystem', folder]),
    ...[...sourcesOf(addon), runtime, ...(ring?.objects ?? [])],
    ...['-o', join(into, `${addon}.node`)],
  ]
  const localCache = join(into, 'zig-cache')
  run(zig(), argv, { env: zigEnvironment(localCache), timeout: COMPILE_MS })
  rmSync(localCache, { recursive: true, force: true })
}

/** Removes the oldest builds of a target. One that a run at the same time still reads is not among them: it was just made. */
function removeOldBuilds(name, current) {
  const kept = join(current, '..')
  const builds = readdirSync(kept)
    .filter((folder) => folder.startsWith(`${name}-`) && !folder.includes('.'))
    .map((folder) => ({ path: join(kept, folder), madeAt: statSync(join(kept, folder)).mtimeMs }))
    .sort((a, b) => b.madeAt - a.madeAt)
  for (const { path } of builds.slice(MAX_KEPT_BUILDS)) if (path !== current) rmSync(path, { recursive: true, force: true })
}

function build(target, addons, name) {
  const folder = cached(`prebuilt/${name}-${buildHash(target, addons)}`, (work) => {
    const started = performance.now()
    console.error(`sendzc: building ${addons.join(' and ')} for ${target.name} ...`)
    for (const addon of addons) compile(target, addon, work)
    console.error(`sendzc: built ${addons.join(' and ')} for ${target.name} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
  })
  removeOldBuilds(name, folder)
  return folder
}

/**
 * @param target - one of TARGETS
 * @returns the folder that holds sendmsg.node and uring.node
 */
export function prebuilt(target) {
  return build(target, ADDONS, target.name)
}

/** @returns the folder that holds socket.node */
export function prebuiltLaboratory() {
  const target = TARGETS.find(({ name }) => name === LABORATORY.target)
  return build(target, [LABORATORY.addon], `laboratory-${target.name}`)
}
