// Checks the files of a tarball: all that it needs, and no junk.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { run } from '../prebuilt/fetch.mjs'
import { root } from './stage.mjs'

const FIELDS = ['name', 'version', 'description', 'keywords', 'license', 'repository', 'publishConfig']
/** Packages that a tarball must not speak of: the headers of the checkout alone, of which a package with an addon brings a copy; in what senders
 * need, the laboratory, but for the command that runs it. */
const CHECKOUT_ALONE = /@sendzc\/native\b/
const LABORATORY = /@sendzc\/(socket|native)\b|(from|require\(|")\s*['"]@sendzc\/bench/
const JUNK = /\.tsbuildinfo$|(^|\/)(node_modules|test|tests|build|coverage)\/|\.test\.|^tsconfig|(^|\/)\.[^/]+$/

/** Every file that an exports map leads to. */
function exportedFiles(value) {
  return typeof value === 'string' ? [value] : Object.values(value ?? {}).flatMap(exportedFiles)
}

/** @returns one sentence for each finding */
export function tarballFindings({ name, file, files }) {
  const folder = mkdtempSync(join(tmpdir(), 'sendzc-tarball-'))
  try {
    run('tar', ['-xzf', file, '-C', folder, '--strip-components=1'])
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    const findings = FIELDS.filter((field) => manifest[field] === undefined).map((field) => `package.json has no ${field}`)
    if (manifest.exports['.'] !== undefined && manifest.engines?.node === undefined) findings.push('package.json has no engines.node')
    for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
      if (manifest.scripts?.[script] !== undefined) findings.push(`runs a ${script} script at its installation`)
    }
    if (files.includes('binding.gyp')) findings.push('has a binding.gyp, which npm and pnpm would build from')
    if (JSON.stringify(manifest).includes('workspace:')) findings.push('has a dependency on a workspace')
    for (const wanted of ['README.md', 'LICENSE']) if (!files.includes(wanted)) findings.push(`has no ${wanted}`)
    const license = readFileSync(join(folder, 'LICENSE'), 'utf8')
    if (manifest.license !== 'MIT' || !license.startsWith('MIT License') || files.some((one) => one.startsWith('kernel/'))) {
      findings.push('is not under the MIT license alone')
    }
    findings.push(...files.filter((one) => JUNK.test(one)).map((one) => `has ${one}`))
    const unknown = /^@sendzc\/(bench|socket)$/.test(name) ? CHECKOUT_ALONE : LABORATORY
    const naming = files.filter((one) => unknown.test(readFileSync(join(folder, one), 'utf8')))
    findings.push(...naming.map((one) => `speaks in ${one} of a package that it must not need`))
    const entries = [...exportedFiles(manifest.exports), ...Object.values(manifest.bin ?? {})]
    findings.push(...entries.filter((entry) => !existsSync(join(folder, entry))).map((entry) => `names ${entry}, which it does not have`))
    for (const map of files.filter((one) => one.endsWith('.map'))) {
      const { sources } = JSON.parse(readFileSync(join(folder, map), 'utf8'))
      const lost = sources.filter((source) => !existsSync(resolve(folder, dirname(map), source)))
      findings.push(...lost.map((source) => `${map} leads to ${source}, which it does not have`))
    }
    return findings.map((finding) => `${name} ${finding}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** publint and @arethetypeswrong/cli on a tarball. @throws Error with what they found */
export function lintTarball({ file }) {
  const bin = (name) => {
    const folder = join(root, 'node_modules', name)
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return join(folder, typeof manifest.bin === 'string' ? manifest.bin : Object.values(manifest.bin)[0])
  }
  run(process.execPath, [bin('publint'), 'run', '--strict', file])
  run(process.execPath, [bin('@arethetypeswrong/cli'), file, '--profile', 'node16', '--no-emoji', '--no-color'])
}
