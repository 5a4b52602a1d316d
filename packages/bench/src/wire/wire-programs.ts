import { execFile, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { BenchFailure, messageOf } from '../cli/failure.js'

const run = promisify(execFile)

/** The C and BPF sources. */
const SOURCE_FOLDER = fileURLToPath(new URL('../../wire/', import.meta.url))
/** Script of a checkout; a package that is installed has none. */
const ENSURE_SYSTEM = fileURLToPath(new URL('../../../../scripts/ensure-system.mjs', import.meta.url))

/** How long the compiler may take, and how long the installation of missing tools, in ms. */
const COMPILE_TIMEOUT_MS = 120_000
const INSTALL_TIMEOUT_MS = 900_000

/** Where a header of the running architecture may lie, which clang does not look for when it compiles for BPF. */
const MULTIARCH = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' } as const

/** The built programs. */
export interface WirePrograms {
  /** The classifier, as BPF. */
  object: string
  /** The program at the other end. */
  peer: string
}

/** Tools that are missing to build them, in words; undefined where all are there. */
export function missingTools(): string | undefined {
  const hasCommand = (name: string): boolean => (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, name)))
  const missing = [
    ...(hasCommand('ip') ? [] : ['iproute2']),
    ...(hasCommand('clang') ? [] : ['clang']),
    ...(hasCommand('cc') || hasCommand('gcc') ? [] : ['gcc']),
    ...(existsSync('/usr/include/bpf/libbpf.h') ? [] : ['libbpf-dev']),
  ]
  if (missing.length === 0) return undefined
  return `the wire needs ${missing.join(', ')}: apt-get install -y ${missing.join(' ')} (Debian, Ubuntu); elsewhere iproute, clang and the headers of libbpf`
}

/**
 * Builds the programs, once for each version of their sources, in a cache folder (`$XDG_CACHE_HOME/sendzc` or `~/.cache/sendzc`). It
 * installs missing tools first, where `scripts/ensure-system.mjs` can.
 * @throws BenchFailure in one line with cause and remedy
 */
export async function buildWirePrograms(): Promise<WirePrograms> {
  if (missingTools() !== undefined && existsSync(ENSURE_SYSTEM))
    spawnSync(process.execPath, [ENSURE_SYSTEM, 'wire'], { stdio: ['ignore', 'ignore', 'ignore'], timeout: INSTALL_TIMEOUT_MS })
  const missing = missingTools()
  if (missing !== undefined) throw new BenchFailure(`${missing.charAt(0).toUpperCase()}${missing.slice(1)}.`)
  const names = (await readdir(SOURCE_FOLDER)).filter((name) => /\.[ch]$/u.test(name)).sort()
  const hash = createHash('sha256')
  for (const name of names) hash.update(name).update(await readFile(join(SOURCE_FOLDER, name)))
  const parent = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sendzc', 'wire')
  const folder = join(parent, hash.digest('hex').slice(0, 16))
  const programs = { object: join(folder, 'wire.bpf.o'), peer: join(folder, 'wire_peer') }
  if (existsSync(folder)) return programs
  await mkdir(parent, { recursive: true })
  const temporary = await mkdtemp(join(parent, 'build-'))
  try {
    await compile(names, temporary)
    await rename(temporary, folder)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    // Another process was faster.
    if (!existsSync(folder)) throw error
  }
  return programs
}

async function compile(names: readonly string[], folder: string): Promise<void> {
  const multiarch = `/usr/include/${MULTIARCH[process.arch as keyof typeof MULTIARCH] ?? ''}`
  const sources = names.filter((name) => /^wire_\w+\.c$/u.test(name)).map((name) => join(SOURCE_FOLDER, name))
  const steps = [
    [
      'clang',
      '-O2',
      '-g',
      '-Wall',
      '-target',
      'bpf',
      `-I${multiarch}`,
      '-c',
      join(SOURCE_FOLDER, 'wire.bpf.c'),
      '-o',
      join(folder, 'wire.bpf.o'),
    ],
    ['cc', '-O2', '-Wall', '-o', join(folder, 'wire_peer'), ...sources, '-lbpf', '-lm'],
  ] as const
  for (const [program, ...args] of steps) {
    try {
      await run(program, args, { timeout: COMPILE_TIMEOUT_MS })
    } catch (error) {
      throw new BenchFailure(`The wire's programs do not compile here: ${messageOf(error)}`, undefined, error)
    }
  }
}
