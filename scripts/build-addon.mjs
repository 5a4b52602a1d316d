// Builds one addon with node-gyp when its sources have changed since the last build.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join, resolve } from 'node:path'
import { withBuildLock } from './build-lock.mjs'

const root = resolve(import.meta.dirname, '..')
export const addonNames = ['sendmsg', 'uring', 'socket'].filter((name) => existsSync(join(root, 'packages', name, 'binding.gyp')))

function sourceHash(folders, extra) {
  const hash = createHash('sha256').update(extra)
  for (const folder of folders) {
    const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
      (entry) => entry.isFile() && /\.(cc|h|gyp|gypi)$/.test(entry.name),
    )
    for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort()) hash.update(path).update(readFileSync(path))
  }
  return hash.digest('hex')
}

/** Headers that came with this Node.js spare a download. */
function nodeDirectoryArguments() {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : []
}

function run(command, args, cwd) {
  return new Promise((resolvePromise, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', reject)
    child.on('close', (status) => (status === 0 ? resolvePromise() : reject(new Error(`${args.join(' ')} failed in ${cwd}:\n${output}`))))
  })
}

/**
 * @param name - folder below packages/
 * @param sanitize - with AddressSanitizer and UndefinedBehaviorSanitizer, in a folder of its own
 * @returns the folder that holds build/Release
 */
export async function buildAddon(name, { sanitize = false } = {}) {
  const source = join(root, 'packages', name)
  const folder = sanitize ? join(root, 'node_modules', '.cache', 'sendzc-sanitize', name) : source
  const stamp = join(folder, 'build', '.source-hash')
  const isBuilt = (hash) => existsSync(stamp) && readFileSync(stamp, 'utf8') === hash
  if (isBuilt(hashOf(source, sanitize))) return folder
  const what = `the ${name} addon${sanitize ? ' with sanitizers' : ''}`
  const lock = join(root, 'node_modules', '.cache', 'sendzc-build', `${name}${sanitize ? '-sanitized' : ''}.lock`)
  await withBuildLock(lock, what, async () => {
    // The build that was waited for may have been one of the same sources. Sources that change during a build need another one.
    const hash = hashOf(source, sanitize)
    if (isBuilt(hash)) return
    await build(source, folder, sanitize, what)
    writeFileSync(stamp, hash)
  })
  return folder
}

function hashOf(source, sanitize) {
  const binding = readFileSync(join(source, 'binding.gyp'), 'utf8')
  return sourceHash([join(source, 'native'), join(root, 'packages/native/include')], `${binding} ${process.versions.modules} ${sanitize}`)
}

async function build(source, folder, sanitize, what) {
  if (sanitize) {
    rmSync(folder, { recursive: true, force: true })
    mkdirSync(folder, { recursive: true })
    for (const part of ['native', 'binding.gyp', 'package.json']) cpSync(join(source, part), join(folder, part), { recursive: true })
    symlinkSync(join(source, 'node_modules'), join(folder, 'node_modules'))
    // binding.gyp finds the shared headers beside the package.
    const shared = join(folder, '..', 'native')
    if (!existsSync(shared)) symlinkSync(join(root, 'packages/native'), shared)
  }
  console.error(`sendzc: building ${what} ...`)
  const started = performance.now()
  const nodeGyp = createRequire(import.meta.url).resolve('node-gyp/bin/node-gyp.js')
  const variables = sanitize ? ['--', '-Dsanitize=1'] : []
  await run(process.execPath, [nodeGyp, 'configure', ...nodeDirectoryArguments(), ...variables], folder)
  await run(process.execPath, [nodeGyp, 'build', '-j', 'max', ...nodeDirectoryArguments()], folder)
  console.error(`sendzc: built ${what} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}
