// Lays out each package as it is published: all that a user's program needs, and no other file of the checkout.
import { chmodSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative, resolve } from 'node:path'
import { buildSync } from 'esbuild'
import { ADDONS, LABORATORY, TARGETS } from '../prebuilt/targets.mjs'

export const root = resolve(import.meta.dirname, '../..')

/** Where the sources are; npm resolves a README's relative links against it, and provenance names it. */
const REPOSITORY = 'git+https://github.com/sendzc/sendzc.git'
const KEYWORDS = ['zero-copy', 'MSG_ZEROCOPY', 'io_uring', 'socket', 'linux']
/** The folders below packages/ that are published, each after what it depends on. */
export const PACKAGES = ['core', 'sendmsg', 'uring', 'sendzc']
/** Those of the laboratory: nothing that a user's program needs depends on them. */
export const LABORATORY_PACKAGES = ['socket', 'bench']

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))

/** Every package has the version of the one that users install. */
export function releaseVersion() {
  return readJson(join(root, 'packages/sendzc/package.json')).version
}

function filesBelow(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
}

/** A compiled file stays in dist/ when its source goes: only a file with a source is published. */
function copyCompiled(source, folder) {
  const { compilerOptions } = readJson(join(source, 'tsconfig.json'))
  const sourceRoot = join(source, compilerOptions.rootDir)
  for (const file of filesBelow(join(source, 'dist'))) {
    const stem = file.match(/^(.+?)(\.d\.ts|\.js)(\.map)?$/)?.[1]
    if (stem === undefined || !existsSync(join(sourceRoot, `${stem}.ts`))) continue
    cpSync(join(source, 'dist', file), join(folder, 'dist', file))
  }
}

/**
 * Joins the modules behind each entry: a program that imports one loads a file or two instead of fifty, in a third of the time. What several entries
 * share is in a file of its own, so that there is one instance of it. Programs that are started by their path (`*-main.js`) are entries, too.
 */
function joinModules(folder, { exports, bin = {} }) {
  const dist = join(folder, 'dist')
  const published = Object.values(exports).flatMap((target) => target.default ?? [])
  const programs = filesBelow(dist).filter((file) => file.endsWith('-main.js'))
  const entries = new Set([
    ...[...published, ...Object.values(bin)].map((file) => join(folder, file)),
    ...programs.map((file) => join(dist, file)),
  ])
  const modules = filesBelow(dist).filter((file) => /\.js(\.map)?$/.test(file))
  const { outputFiles } = buildSync({
    entryPoints: [...entries],
    bundle: true,
    splitting: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node20',
    outdir: dist,
    outbase: dist,
    chunkNames: '[name]-[hash]',
    sourcemap: true,
    sourcesContent: false,
    write: false,
  })
  for (const file of modules) rmSync(join(dist, file))
  for (const { path, contents } of outputFiles) writeFileSync(path, contents)
}

/**
 * Gives CommonJS entries of their own: each loads the module, so that there is one instance however it is asked for (Node.js 20.19 and later
 * load ECMAScript modules so), and has declarations that TypeScript reads as CommonJS.
 */
function addCommonJs(folder, exports) {
  const dist = join(folder, 'dist')
  for (const file of filesBelow(dist).filter((name) => name.endsWith('.d.ts'))) {
    const text = readFileSync(join(dist, file), 'utf8')
    const asCommonJs = text
      .replaceAll(/(from |import\()('|")(\.[^'"]+)\.js\2/g, '$1$2$3.cjs$2')
      .replace(/\n?\/\/# sourceMappingURL=.*\s*$/, '\n')
    writeFileSync(join(dist, file.replace(/\.d\.ts$/, '.d.cts')), asCommonJs)
  }
  // An entry for the checkout alone has no compiled file.
  const published = Object.entries(exports).filter(([, target]) => target.default !== undefined)
  return Object.fromEntries(
    published.map(([name, { types, default: module }]) => {
      const entry = module.replace(/\.js$/, '.cjs')
      writeFileSync(join(folder, entry), `module.exports = require('./${module.split('/').at(-1)}')\n`)
      return [name, { import: { types, default: module }, require: { types: types.replace(/\.d\.ts$/, '.d.cts'), default: entry } }]
    }),
  )
}

/** node-addon-api's headers, and the licence that they come with. */
const NODE_ADDON_API_FILES = ['napi.h', 'napi-inl.h', 'napi-inl.deprecated.h', 'LICENSE.md']

/** The sources of the addon, with the headers that it needs, for a machine that no prebuilt one is for. */
function copyAddonSources(source, folder) {
  cpSync(join(source, 'native'), join(folder, 'native'), { recursive: true })
  cpSync(join(root, 'packages/native/include'), join(folder, 'native/shared'), { recursive: true })
  const nodeAddonApi = createRequire(join(source, 'package.json'))('node-addon-api').include_dir
  for (const file of NODE_ADDON_API_FILES) cpSync(resolve(nodeAddonApi, file), join(folder, 'native/shared/node-addon-api', file))
  // Under its own name npm and pnpm would take it for a package that has to be built when it is installed.
  cpSync(join(source, 'binding.gyp'), join(folder, 'addon.gyp'))
}

const BUILD_ADDON = "node -e \"fs.copyFileSync('addon.gyp', 'binding.gyp')\" && node-gyp rebuild"

function commonFields({ name, version, description, keywords = KEYWORDS }, directory) {
  return {
    name,
    version,
    description,
    keywords,
    license: 'MIT',
    repository: { type: 'git', url: REPOSITORY, ...(directory === undefined ? {} : { directory }) },
    publishConfig: { access: 'public', provenance: true },
  }
}

function writePackage(folder, manifest, readme) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
  writeFileSync(join(folder, 'README.md'), readme)
  cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
}

/** One of {@link PACKAGES} or of {@link LABORATORY_PACKAGES}. @returns its folder */
export function stagePackage(name, into) {
  const version = releaseVersion()
  const source = join(root, 'packages', name)
  const folder = join(into, name)
  mkdirSync(folder, { recursive: true })
  const manifest = readJson(join(source, 'package.json'))
  copyCompiled(source, folder)
  // The laboratory's programs are started by their paths, and its import time is of no account.
  if (PACKAGES.includes(name)) joinModules(folder, manifest)
  const left = manifest.files.filter((name) => name.startsWith('!')).map((name) => join(folder, name.slice(1)))
  for (const part of ['src', 'conformance', 'wire']) {
    if (manifest.files.includes(part)) cpSync(join(source, part), join(folder, part), { recursive: true })
  }
  for (const part of left) rmSync(part, { recursive: true, force: true })
  const hasAddon = ADDONS.includes(name)
  if (hasAddon) copyAddonSources(source, folder)
  const dependencies = Object.entries(manifest.dependencies ?? {}).map(([dependency, range]) => [
    dependency,
    range === 'workspace:*' ? version : range,
  ])
  const exports = addCommonJs(folder, manifest.exports)
  for (const file of Object.values(manifest.bin ?? {})) chmodSync(join(folder, file), 0o755)
  const published = {
    ...commonFields({ ...manifest, version }, `packages/${name}`),
    type: 'module',
    engines: manifest.engines,
    sideEffects: false,
    ...(manifest.bin === undefined ? {} : { bin: manifest.bin }),
    // For tools that do not know exports.
    main: exports['.'].require.default,
    types: exports['.'].require.types,
    exports: { ...exports, './package.json': './package.json' },
    ...(hasAddon ? { scripts: { 'build-addon': BUILD_ADDON } } : {}),
    dependencies: Object.fromEntries(dependencies),
    ...(hasAddon ? { optionalDependencies: Object.fromEntries(TARGETS.map((target) => [`@sendzc/${target.name}`, version])) } : {}),
  }
  const readme = join(name === 'sendzc' ? root : source, 'README.md')
  writePackage(folder, published, readFileSync(readme, 'utf8'))
  return folder
}

/** Puts the laboratory's addon where node-gyp-build looks for it. */
export function addLaboratoryAddon(folder, addons) {
  const { os = 'linux', cpu, libc } = TARGETS.find(({ name }) => name === LABORATORY.target)
  const into = join(folder, 'prebuilds', `${os}-${cpu}`)
  mkdirSync(into, { recursive: true })
  cpSync(join(addons, `${LABORATORY.addon}.node`), join(into, `node.napi.${libc}.node`))
}

/**
 * The package that carries the prebuilt addons of a target.
 * @param addons - the folder that holds them
 * @returns its folder
 */
export function stagePlatformPackage({ name, cpu, libc }, addons, into) {
  const folder = join(into, name)
  mkdirSync(folder, { recursive: true })
  for (const addon of ADDONS) cpSync(join(addons, `${addon}.node`), join(folder, `${addon}.node`))
  const description = `The addons of sendzc for Linux on ${cpu} with ${libc}.`
  const manifest = {
    ...commonFields({ name: `@sendzc/${name}`, version: releaseVersion(), description }),
    os: ['linux'],
    cpu: [cpu],
    libc: [libc],
    // A package in an archive cannot be loaded from.
    preferUnplugged: true,
    exports: { ...Object.fromEntries(ADDONS.map((addon) => [`./${addon}.node`, `./${addon}.node`])), './package.json': './package.json' },
  }
  const readme = `# @sendzc/${name}\n\n${description} Installed with sendzc; not meant to be imported.\n`
  writePackage(folder, manifest, readme)
  return folder
}
