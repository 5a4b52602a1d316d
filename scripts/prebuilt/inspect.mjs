// Reads the needs of a prebuilt addon with objdump and readelf, and reports those that some machine cannot meet.
import { join } from 'node:path'
import { run } from './fetch.mjs'
import { ADDONS, MAX_GLIBC } from './targets.mjs'

const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1']
/** Libraries that an addon may ask for: the C library, and the threads that were apart from it before glibc 2.34. */
const LIBRARIES = { glibc: ['libc.so.6', 'libpthread.so.0'], musl: ['libc.so'] }
const MACHINES = { x64: 'Advanced Micro Devices X86-64', arm64: 'AArch64' }

const isNewer = (version, limit) => {
  const [a, b] = [version, limit].map((text) => text.split('.').map(Number))
  return a[0] !== b[0] ? a[0] > b[0] : (a[1] ?? 0) > (b[1] ?? 0)
}

/** Symbols that the loading process must have: Node-API's, libuv's, and V8's, which is weak. What else has no version is the C library's. */
const isRuntimeSymbol = (name) => /^(napi|node_api|uv)_/.test(name) || name === '_ZN2v811ArrayBuffer15GetBackingStoreEv'

/**
 * @param folder - that holds the addons
 * @param addons - their names
 * @param cxxLibrary - whether they may take the C++ library of the loading process: a Node.js of nodejs.org links libstdc++
 * @returns one sentence for each finding; none where the addons are as they should be
 */
export function inspectAddons({ name, cpu, libc }, folder, addons = ADDONS, cxxLibrary = false) {
  return addons.flatMap((addon) => {
    const file = join(folder, `${addon}.node`)
    const findings = []
    const header = run('readelf', ['-hW', file])
    if (!header.includes(MACHINES[cpu])) findings.push(`is not for ${cpu}`)
    const needed = [...run('readelf', ['-dW', file]).matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1])
    for (const library of needed)
      if (!LIBRARIES[libc].includes(library) && !(cxxLibrary && library === 'libm.so.6')) findings.push(`needs ${library}`)
    // A thread-local variable of a library that is loaded late finds no room, with musl.
    if (/^\s*TLS\s/m.test(run('readelf', ['-lW', file]))) findings.push('has thread-local variables')
    const symbols = run('readelf', ['-W', '--dyn-syms', file])
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => /^\d+:$/.test(fields[0] ?? '') && fields[7] !== undefined)
      .map((fields) => ({ defined: fields[6] !== 'UND', name: fields[7].split('@')[0], version: fields[7].match(/@+GLIBC_([\d.]+)/)?.[1] }))
    for (const symbol of symbols) {
      if (symbol.defined && !EXPORTS.includes(symbol.name)) findings.push(`exports ${symbol.name}`)
      if (symbol.version !== undefined && isNewer(symbol.version, MAX_GLIBC))
        findings.push(`needs ${symbol.name} of glibc ${symbol.version}`)
      const isProvided = isRuntimeSymbol(symbol.name) || (cxxLibrary && /^_Z(NK?)?St/.test(symbol.name))
      const isForeign = !symbol.defined && symbol.version === undefined && !isProvided
      if (isForeign && libc === 'glibc' && symbol.name !== '__gmon_start__') findings.push(`needs ${symbol.name}`)
      if (isForeign && libc === 'musl' && /^_Z|^__cxa_(?!atexit|finalize)/.test(symbol.name)) findings.push(`needs ${symbol.name}`)
    }
    for (const wanted of EXPORTS) if (!symbols.some((one) => one.defined && one.name === wanted)) findings.push(`does not export ${wanted}`)
    return findings.map((finding) => `${name}/${addon}.node ${finding}`)
  })
}
