import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The packages that have an addon. */
const PACKAGES = ['@sendzc/sendmsg', '@sendzc/uring'] as const

/** Headers that came with this Node.js spare node-gyp a download. */
function headerEnvironment(): Record<string, string> {
  const prefix = dirname(dirname(process.execPath))
  return existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? { npm_config_nodedir: prefix } : {}
}

/**
 * Builds the addons from the sources that their packages carry, with npm's own node-gyp: for a platform that has no package of prebuilt ones.
 * Needs a C++ compiler, make, Python, and liburing 2.3 or newer with its headers.
 * @returns the exit status: 0 where all were built
 */
export function buildAddons(): number {
  for (const name of PACKAGES) {
    const folder = dirname(dirname(fileURLToPath(import.meta.resolve(name))))
    process.stderr.write(`sendzc: building the addon of ${name} in ${folder}\n`)
    const { status, error } = spawnSync('npm', ['run', 'build-addon'], {
      cwd: folder,
      stdio: 'inherit',
      env: { ...process.env, ...headerEnvironment() },
    })
    if (error !== undefined) process.stderr.write(`sendzc: npm could not be run: ${error.message}\n`)
    if (status !== 0) return status ?? 1
  }
  return 0
}
