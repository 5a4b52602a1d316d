import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { BuildProgress, expectedSteps, formatDuration } from './build-progress.js'
import { BuildCache, cacheRoot } from './cache-folder.js'
import { checkoutFolder } from './checkout.js'
import { runCommand } from './child-command.js'
import { contentHash, folderParts, type HashPart } from './content-hash.js'
import { VmError } from './errors.js'
import { refusedSymbols } from './kernel-config.js'
import { changesKernel } from './patch-files.js'
import { ensureSystemPackages, hasProgram } from './system-packages.js'

const sourcePackage = 'linux-source-6.12'
/** Lines of a failed step that are shown. */
const shownFailureLines = 30

/** A kernel that can be booted. */
export interface BuiltKernel {
  /** bzImage. */
  readonly image: string
  /** Name of the build: hash of everything that decided it. */
  readonly hash: string
}

interface KernelSource {
  readonly tarball: string
  /** Identity of this source. */
  readonly version: string
  /** For a reader. */
  readonly name: string
}

function findSource(): KernelSource {
  const own = process.env.SENDZC_LINUX_SOURCE
  if (own !== undefined) {
    if (!existsSync(own)) throw new VmError(`SENDZC_LINUX_SOURCE names "${own}", which does not exist`)
    return { tarball: own, version: createHash('sha256').update(readFileSync(own)).digest('hex'), name: basename(own) }
  }
  const tarball = `/usr/src/${sourcePackage}.tar.xz`
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own placeholder
  const query = spawnSync('dpkg-query', ['-W', '-f', '${Version}', sourcePackage], { encoding: 'utf8' })
  if (query.status !== 0 || !existsSync(tarball)) throw new VmError(`${tarball} is missing: install the package ${sourcePackage}`)
  return { tarball, version: query.stdout, name: `${sourcePackage} ${query.stdout}` }
}

function compilerVersion(): string {
  const outcome = spawnSync('gcc', ['--version'], { encoding: 'utf8' })
  if (outcome.status !== 0) throw new VmError('gcc does not run: install it')
  return outcome.stdout.split('\n')[0] as string
}

function fragmentParts(debug: boolean): HashPart[] {
  const names = debug ? ['base.config', 'debug.config'] : ['base.config']
  const folder = join(checkoutFolder(), 'kernel', 'config')
  return names.map((name) => ({ name, content: readFileSync(join(folder, name), 'utf8') }))
}

/** The series, then what only the laboratory needs. */
const patchFolders = ['patches', 'lab'] as const

/** Without the patches of test programs: a changed test does not cost a new kernel. */
function patchParts(): HashPart[] {
  return patchFolders.flatMap((folder) =>
    folderParts(join(checkoutFolder(), 'kernel', folder), (name) => name.endsWith('.patch'))
      .filter(({ content }) => changesKernel(String(content)))
      .map(({ name, content }) => ({ name: `${folder}/${name}`, content })),
  )
}

/** Runs one step of a build, its output in a log; a failure shows the log's end. */
class BuildSteps {
  readonly #logFile: string
  readonly #environment: Readonly<Record<string, string>>

  constructor(logFile: string, environment: Readonly<Record<string, string>>) {
    this.#logFile = logFile
    this.#environment = environment
    writeFileSync(logFile, '')
  }

  async run(what: string, cwd: string, argv: readonly [string, ...string[]], onLine?: (line: string) => void): Promise<void> {
    const last: string[] = []
    const status = await runCommand(argv[0], argv.slice(1), {
      cwd,
      environment: this.#environment,
      onLine: (line) => {
        appendFileSync(this.#logFile, `${line}\n`)
        last.push(line)
        if (last.length > shownFailureLines) last.shift()
        onLine?.(line)
      },
    })
    if (status === 0) return
    throw new VmError(
      `${what} failed with status ${status}:\n${last.map((line) => `  ${line}`).join('\n')}\nthe whole log: ${this.#logFile}`,
    )
  }
}

/** The parts that decide a kernel, read once, so that the build uses the hashed ones. */
interface KernelInputs {
  readonly source: KernelSource
  readonly patches: readonly HashPart[]
  readonly fragments: readonly HashPart[]
}

function writeParts(folder: string, parts: readonly HashPart[]): string[] {
  return parts.map(({ name, content }) => {
    const path = join(folder, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content, { mode: name.endsWith('.sh') ? 0o755 : 0o644 })
    return path
  })
}

async function prepareTree(steps: BuildSteps, inputs: KernelInputs, folder: string, progress: BuildProgress): Promise<string> {
  const { source, patches } = inputs
  progress.phase(`unpacking ${source.name}`)
  const tree = join(folder, 'tree')
  mkdirSync(tree)
  await steps.run('unpacking the kernel source', tree, ['tar', '-xf', source.tarball, '--strip-components=1'])
  for (const path of writeParts(join(folder, 'applied'), patches)) {
    progress.phase(`applying ${basename(path)}`)
    // Without fuzz: a source that changed around a patch must be looked at, not guessed.
    const patch = ['patch', '-p1', '--forward', '--fuzz=0', '--no-backup-if-mismatch', '-i', path] as const
    await steps.run(`applying ${basename(path)} to ${source.name}`, tree, [...patch])
  }
  return tree
}

async function configure(steps: BuildSteps, tree: string, fragments: readonly HashPart[]): Promise<void> {
  const paths = writeParts(join(tree, '..', 'fragments'), fragments)
  await steps.run('make tinyconfig', tree, ['make', 'tinyconfig'])
  await steps.run('merging the config', tree, ['scripts/kconfig/merge_config.sh', '-m', '.config', ...paths])
  await steps.run('make olddefconfig', tree, ['make', 'olddefconfig'])
  const refused = refusedSymbols(
    fragments.map(({ content }) => String(content)),
    readFileSync(join(tree, '.config'), 'utf8'),
  )
  if (refused.length === 0) return
  const lines = refused.map(({ symbol, wanted, got }) => `  ${symbol}: asked for ${wanted}, got ${got}`)
  throw new VmError(`the kernel's config does not grant what kernel/config asks for:\n${lines.join('\n')}`)
}

async function makeKernel(folder: string, inputs: KernelInputs, expected: number, logFile: string): Promise<void> {
  const progress = new BuildProgress((line) => console.error(line))
  // The same source gives the same image.
  const steps = new BuildSteps(logFile, {
    LC_ALL: 'C',
    KBUILD_BUILD_TIMESTAMP: '1970-01-01',
    KBUILD_BUILD_USER: 'sendzc',
    KBUILD_BUILD_HOST: 'sendzc',
  })
  const tree = await prepareTree(steps, inputs, folder, progress)
  progress.phase('configuring')
  await configure(steps, tree, inputs.fragments)
  const jobs = availableParallelism()
  progress.phase(`compiling with ${jobs} jobs, log in ${logFile}`)
  const sinceMs = progress.elapsedMs
  // Where ccache is installed, a changed patch costs only what it touches.
  const compiler = hasProgram('ccache') ? ['CC=ccache gcc'] : []
  await steps.run('compiling the kernel', tree, ['make', `-j${jobs}`, ...compiler, 'bzImage'], (line) =>
    progress.makeLine(line, sinceMs, expected),
  )
  copyFileSync(join(tree, 'arch/x86/boot/bzImage'), join(folder, 'bzImage'))
  copyFileSync(join(tree, '.config'), join(folder, 'config'))
  copyFileSync(join(tree, 'System.map'), join(folder, 'System.map'))
  for (const made of [tree, join(folder, 'applied'), join(folder, 'fragments')])
    rmSync(made, { recursive: true, force: true, maxRetries: 3 })
  console.error(`vm build: the kernel is ready, ${progress.steps} objects in ${formatDuration(progress.elapsedMs)}`)
}

function waitForOther(): void {
  console.error('vm build: another build is under way, waiting for it')
}

function prepareLogFile(name: string): string {
  const folder = join(cacheRoot(), 'logs')
  mkdirSync(folder, { recursive: true })
  return join(folder, name)
}

/**
 * Returns the kernel of this checkout, building it when no finished build has the same source, patches,
 * config and compiler.
 *
 * @param debug with KASAN and lockdep
 * @throws VmError when a package is missing, a patch does not apply, the config is not granted or make fails
 */
export async function buildKernel(debug: boolean): Promise<BuiltKernel> {
  ensureSystemPackages()
  const inputs = { source: findSource(), patches: patchParts(), fragments: fragmentParts(debug) }
  const hash = contentHash([
    { name: 'source', content: inputs.source.version },
    { name: 'compiler', content: compilerVersion() },
    ...inputs.fragments,
    ...inputs.patches,
  ])
  const expected = debug ? expectedSteps.debug : expectedSteps.base
  const make = (folder: string) => makeKernel(folder, inputs, expected, prepareLogFile(`kernel-${hash}.log`))
  const folder = await new BuildCache('kernel').findOrMake(hash, make, waitForOther)
  return { image: join(folder, 'bzImage'), hash }
}

/**
 * Returns the folder of the compiled kernel selftests, in a cache of their own: a changed test does not
 * cost a new kernel. `undefined` when kernel/selftests has no Makefile.
 *
 * @throws VmError when make fails
 */
export async function buildSelftests(): Promise<string | undefined> {
  const sources = join(checkoutFolder(), 'kernel', 'selftests')
  if (!existsSync(join(sources, 'Makefile'))) return undefined
  const parts = folderParts(sources, (name) => /(?:\.[ch]|\.sh|Makefile)$/.test(name))
  const hash = contentHash([{ name: 'compiler', content: compilerVersion() }, ...parts])
  const make = async (folder: string) => {
    writeParts(folder, parts)
    const steps = new BuildSteps(prepareLogFile(`selftests-${hash}.log`), { LC_ALL: 'C' })
    await steps.run('compiling the kernel selftests', folder, ['make', `-j${availableParallelism()}`, 'OUT=build'])
    if (readdirSync(join(folder, 'build')).length === 0) throw new VmError('compiling the kernel selftests made no program')
  }
  return join(await new BuildCache('selftests').findOrMake(hash, make, waitForOther), 'build')
}

/**
 * Returns the guest's first program, compiled statically from the C files of guest/.
 *
 * @throws VmError when it does not compile
 */
export async function buildInit(): Promise<string> {
  const parts = folderParts(join(checkoutFolder(), 'vm', 'guest'), (name) => /\.[ch]$/.test(name))
  const hash = contentHash([{ name: 'compiler', content: compilerVersion() }, ...parts])
  const make = async (folder: string) => {
    const sources = writeParts(folder, parts).filter((path) => path.endsWith('.c'))
    const steps = new BuildSteps(prepareLogFile(`init-${hash}.log`), { LC_ALL: 'C' })
    const gcc = ['gcc', '-std=gnu11', '-Wall', '-Wextra', '-Werror', '-O2', '-static', '-o', join(folder, 'init')] as const
    await steps.run("compiling the guest's first program", folder, [...gcc, ...sources])
  }
  return join(await new BuildCache('init').findOrMake(hash, make, waitForOther), 'init')
}
