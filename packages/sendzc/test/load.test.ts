import { execFileSync } from 'node:child_process'
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const CHILD_TEST_MS = 60_000
const PACKAGES = fileURLToPath(new URL('../../', import.meta.url))
const PROGRAM = fileURLToPath(new URL('./children/bundled-program.ts', import.meta.url))

interface BackendEnd {
  outcome?: string
  isZeroCopyError?: boolean
  code?: string
  errno?: string
  message?: string
  remedy?: string
  available: boolean
  probeRemedy?: string
}
type End = Record<'copy' | 'errqueue' | 'uring' | 'auto', BackendEnd>

let folder: string
const bundles = { cjs: '', esm: '' }

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sendzc-load-'))
  // The bundler that the TypeScript loader brings.
  const require = createRequire(createRequire(import.meta.url).resolve('tsx'))
  const { build } = (await import(pathToFileURL(require.resolve('esbuild')).href)) as { build(options: object): Promise<unknown> }
  for (const format of ['cjs', 'esm'] as const) {
    bundles[format] = join(folder, `program.${format === 'cjs' ? 'cjs' : 'mjs'}`)
    const common = { entryPoints: [PROGRAM], bundle: true, platform: 'node', conditions: ['@sendzc/source'], logLevel: 'error' }
    await build({ ...common, format, outfile: bundles[format], logOverride: { 'empty-import-meta': 'silent' } })
  }
}, CHILD_TEST_MS)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Puts a bundle beside a node_modules that `provide` fills, and runs it. */
function run(
  bundle: string,
  provide: (scope: string) => void,
  { flags = [], env = {}, prefix = [] }: { flags?: string[]; env?: NodeJS.ProcessEnv; prefix?: string[] } = {},
): End {
  const place = mkdtempSync(join(folder, 'place-'))
  const scope = join(place, 'node_modules', '@sendzc')
  mkdirSync(scope, { recursive: true })
  provide(scope)
  const program = join(place, bundle === bundles.cjs ? 'program.cjs' : 'program.mjs')
  cpSync(bundle, program)
  const [command = '', ...args] = [...prefix, process.execPath, ...flags, program]
  return JSON.parse(
    execFileSync(command, args, { encoding: 'utf8', env: { ...process.env, NODE_PATH: '', ...env }, stdio: ['ignore', 'pipe', 'ignore'] }),
  ) as End
}

function installed(scope: string): void {
  for (const name of ['sendmsg', 'uring']) symlinkSync(join(PACKAGES, name), join(scope, name))
}

/** The packages with an addon of the caller's making, or without one. */
function installedWith(addon: ((path: string) => void) | undefined): (scope: string) => void {
  return (scope) => {
    for (const name of ['sendmsg', 'uring']) {
      const target = join(scope, name)
      mkdirSync(join(target, 'dist'), { recursive: true })
      cpSync(join(PACKAGES, name, 'package.json'), join(target, 'package.json'))
      writeFileSync(join(target, 'dist', 'index.js'), '')
      mkdirSync(join(target, 'node_modules'))
      symlinkSync(
        dirname(createRequire(join(PACKAGES, name, 'package.json')).resolve('node-gyp-build')),
        join(target, 'node_modules', 'node-gyp-build'),
      )
      if (addon === undefined) continue
      mkdirSync(join(target, 'build', 'Release'), { recursive: true })
      addon(join(target, 'build', 'Release', `sendzc_${name}.node`))
    }
  }
}

/** The addon that was built here. */
function builtAddon(): string {
  const release = join(PACKAGES, 'sendmsg', 'build', 'Release')
  return join(release, readdirSync(release).find((name) => name.endsWith('.node')) ?? '')
}

/** Every backend, and auto, fails with this code and a remedy that fits. */
function expectRefused(end: Partial<End>, code: string, remedy: RegExp, message = /./u): void {
  for (const [name, each] of Object.entries(end)) {
    expect({ name, ...each }).toMatchObject({ name, isZeroCopyError: true, code, available: false })
    expect(each.message, name).toMatch(message)
    expect(`${each.remedy} ${each.message}`, name).toMatch(remedy)
    if (name !== 'auto') expect(each.probeRemedy, name).toMatch(remedy)
  }
}

describe.each(['cjs', 'esm'] as const)('bundled as %s', (format) => {
  it(
    'sends over every backend where the packages are installed beside the bundle',
    () => {
      const end = run(bundles[format], installed)
      for (const name of ['copy', 'errqueue', 'auto'] as const)
        expect(end[name], JSON.stringify(end[name])).toMatchObject({ outcome: 'copied', available: true })
      // uring may be forbidden here; its addon is loaded in any case.
      expect(end.uring.message ?? '').not.toContain('cannot be loaded')
    },
    CHILD_TEST_MS,
  )

  it(
    'says so where they are not',
    () => {
      expectRefused(
        run(bundles[format], () => undefined),
        'ERR_ZC_PLATFORM',
        /Install @sendzc\/\w+ and @sendzc\/linux-\S+ there.*external/u,
      )
    },
    CHILD_TEST_MS,
  )
})

describe('an addon that cannot be loaded', () => {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  const permission =
    major > 23 || (major === 23 && minor >= 5) ? ['--permission', ...(major >= 25 ? ['--allow-net'] : [])] : ['--experimental-permission']

  it(
    'for --no-addons says that flag',
    () => {
      expectRefused(run(bundles.esm, installed, { flags: ['--no-addons'] }), 'ERR_ZC_PERMISSION', /without --no-addons/u)
    },
    CHILD_TEST_MS,
  )

  it(
    'for the permission model says which flag allows it',
    () => {
      expectRefused(run(bundles.esm, installed, { flags: [...permission, '--allow-fs-read=*'] }), 'ERR_ZC_PERMISSION', /--allow-addons/u)
    },
    CHILD_TEST_MS,
  )

  it(
    'for files that the permission model hides says which flag shows them',
    () => {
      const own = ['--allow-addons', `--allow-fs-read=${folder}/*`]
      expectRefused(run(bundles.cjs, installed, { flags: [...permission, ...own] }), 'ERR_ZC_PERMISSION', /--allow-fs-read/u)
    },
    CHILD_TEST_MS,
  )

  it(
    'for want of a descriptor says EMFILE, and that the limit can be raised',
    () => {
      const { copy } = run(bundles.esm, installed, { env: { SENDZC_TEST_EXHAUST: '1' }, prefix: ['prlimit', '--nofile=128'] })
      expectRefused({ copy }, 'ERR_ZC_LIMIT', /ulimit -n/u, /cannot be loaded.*EMFILE/u)
      expect(copy.errno).toBe('EMFILE')
    },
    CHILD_TEST_MS,
  )

  it.each<[string, ((path: string) => void) | undefined, RegExp, RegExp]>([
    ['that was not built', undefined, /none was built/u, /build from source/u],
    [
      'that is no library',
      (path) => writeFileSync(path, 'not an addon'),
      /another processor or C library, or it is damaged/u,
      /build-addons/u,
    ],
    [
      'that is cut off',
      (path) => writeFileSync(path, Buffer.alloc(64, '\x7fELF')),
      /another processor or C library, or it is damaged/u,
      /build-addons/u,
    ],
  ])(
    '%s says so',
    (_which, addon, message, remedy) => {
      expectRefused(run(bundles.cjs, installedWith(addon)), 'ERR_ZC_PLATFORM', remedy, message)
    },
    CHILD_TEST_MS,
  )

  const mayMount = process.geteuid?.() === 0
  it.runIf(mayMount)(
    'that lies on a file system without execution says so (needs root)',
    () => {
      const noexec = join(folder, 'noexec')
      mkdirSync(noexec)
      const prefix = [
        'unshare',
        '--mount',
        'sh',
        '-ec',
        `mount -t tmpfs -o noexec none ${noexec}; cp ${builtAddon()} ${noexec}/addon.node; exec "$0" "$@"`,
      ]
      const end = run(
        bundles.cjs,
        installedWith((path) => symlinkSync(join(noexec, 'addon.node'), path)),
        { prefix },
      )
      expectRefused(end, 'ERR_ZC_PLATFORM', /noexec/u, /forbids execution/u)
    },
    CHILD_TEST_MS,
  )

  it.runIf(mayMount)(
    'that the user may not read says so (needs root)',
    () => {
      const end = run(
        bundles.cjs,
        installedWith((path) => {
          cpSync(builtAddon(), path)
          chmodSync(path, 0)
          for (let up = dirname(path); up.startsWith(folder); up = dirname(up)) if (existsSync(up)) chmodSync(up, 0o755)
        }),
        { prefix: ['setpriv', '--reuid=65534', '--clear-groups', '--inh-caps=-all', '--bounding-set=-all'] },
      )
      expectRefused(end, 'ERR_ZC_PLATFORM', /Let the user/u, /may not read/u)
    },
    CHILD_TEST_MS,
  )
})
