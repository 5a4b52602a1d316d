// `pnpm release [VERSION]`: checks, tests, builds and packs a release into release/VERSION/, and writes CHANGELOG.md. It publishes nothing.
//   VERSION        a semantic version that every package gets; left out: the one they have
//   --only-pack    without checks and tests, for a look at the packages
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { changelogWith } from './packages/changelog.mjs'
import { packAll } from './packages/pack.mjs'
import { releaseVersion } from './packages/stage.mjs'
import { tarballFindings } from './packages/tarball-checks.mjs'
import { TARGETS } from './prebuilt/targets.mjs'

const root = resolve(import.meta.dirname, '..')
const args = process.argv.slice(2)
const [asked] = args.filter((arg) => !arg.startsWith('--'))
const SEMVER = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/

/** The checks that this machine could not make of a release. A reader of the notes decides by them. */
const NOT_RUN = `Not everything that is published could be run where it was built:

- linux-arm64-gnu: loaded in QEMU's user mode, where copy() sent 10 MB that were compared. QEMU knows neither io_uring nor SO_ZEROCOPY: uring and
  errqueue never sent. Not run on an arm64 machine.
- linux-x64-musl: loaded by musl's own loader with every symbol resolved; no Node.js for musl was there to send with.
- linux-arm64-musl: inspected (architecture, symbols, libraries), never loaded.
- macOS, Windows: nothing was run there. copy() sends by Node's own socket there, as it does on Bun and Deno, where 10 MB were compared.
- @sendzc/bench, the laboratory: its addon is for Linux on x64 with glibc alone.
`

function fail(message) {
  console.error(`sendzc: ${message}`)
  process.exit(1)
}

function step(name, command, argv) {
  console.log(`== ${name}`)
  const { status } = spawnSync(command, argv, { cwd: root, stdio: 'inherit' })
  if (status !== 0) fail(`${name} failed: nothing was packed.`)
}

const git = (...argv) => execFileSync('git', argv, { cwd: root, encoding: 'utf8' }).trim()

/** Every package has one version: they are released together, and depend on each other's exact one. */
function setVersion(version) {
  for (const name of readdirSync(join(root, 'packages'))) {
    const path = join(root, 'packages', name, 'package.json')
    if (!existsSync(path)) continue
    writeFileSync(path, readFileSync(path, 'utf8').replace(/^( {2}"version": )"[^"]+"/m, `$1"${version}"`))
  }
}

if (asked !== undefined && !SEMVER.test(asked)) fail(`${asked} is no semantic version, such as 1.2.3.`)
if (!args.includes('--only-pack')) {
  if (git('status', '--porcelain') !== '') fail('the work tree has changes: a release is made of a commit.')
  step('check', process.execPath, [join(root, 'scripts/check.mjs')])
  step('test', process.execPath, [join(root, 'scripts/run-tests.mjs')])
}
if (asked !== undefined) setVersion(asked)
const version = releaseVersion()
if (!args.includes('--only-pack')) step('test:packages', process.execPath, [join(root, 'scripts/test-packages.mjs'), '--all'])

const changelog = join(root, 'CHANGELOG.md')
const { text, section } = changelogWith(existsSync(changelog) ? readFileSync(changelog, 'utf8') : '', version, git)
writeFileSync(changelog, text)

const out = join(root, 'release', version)
rmSync(out, { recursive: true, force: true })
const packages = packAll(out, TARGETS)
const findings = packages.flatMap(tarballFindings)
if (findings.length > 0) fail(findings.join('\n'))
writeFileSync(join(out, 'RELEASE-NOTES.md'), `${section}\n## What could not be run\n\n${NOT_RUN}`)
for (const { name, file, size, integrity } of packages) console.log(`${name}@${version}  ${basename(file)}  ${size} bytes  ${integrity}`)
console.log(`
Packed in release/${version}/ with RELEASE-NOTES.md; CHANGELOG.md has its section. Nothing was published. To publish, commit CHANGELOG.md and
the versions, tag v${version}, and hand every tarball to npm publish, those of the platforms first and sendzc last.`)
