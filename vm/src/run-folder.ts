import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { GuestOptions } from './arguments.js'
import { cacheRoot, sweepLeftovers } from './cache-folder.js'
import { checkoutFolder } from './checkout.js'
import { netMtuBytes } from './machine-model.js'
import { packageManagerScript } from './package-scripts.js'
import { ownIdentity } from './process-identity.js'
import { quoteWord, quoteWords } from './shell-quote.js'

/** Folders that the guest covers with memory of its own; guest/init does it. */
const coveredFolders = ['/tmp', '/run', '/var/tmp']

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What guest/init is told. */
export interface GuestSettings {
  readonly checkout: string
  readonly outputFolder: string
  readonly runFolder: string
  /** Host folders that the command needs besides the checkout. */
  readonly folders: readonly string[]
  /** Search path of the command. */
  readonly commandPath: string
  readonly endMark: string
  readonly environment: readonly (readonly [name: string, value: string])[]
  readonly guest: Pick<GuestOptions, 'net' | 'sysctls'>
}

function each(name: string, calls: readonly (readonly string[])[]): string {
  const lines = calls.map((words) => `  "$1" ${quoteWords(words)}`)
  return `each_${name}() {\n${[...lines, '  :'].join('\n')}\n}`
}

/** The settings as the shell text that guest/init reads. */
export function settingsText(settings: GuestSettings): string {
  const isCovered = (path: string) => coveredFolders.some((folder) => path === folder || path.startsWith(`${folder}/`))
  const held = [settings.checkout, ...[settings.runFolder, ...settings.folders].filter(isCovered)]
  return `${[
    `checkout=${quoteWord(settings.checkout)}`,
    `network=${settings.guest.net ? 'on' : 'off'}`,
    `network_mtu=${netMtuBytes}`,
    `command_path=${quoteWord(settings.commandPath)}`,
    `end_mark=${quoteWord(settings.endMark)}`,
    `export SENDZC_VM_OUT=${quoteWord(settings.outputFolder)}`,
    ...settings.environment.map(([name, value]) => `export ${name}=${quoteWord(value)}`),
    each(
      'held_folder',
      [...new Set(held)].map((folder) => [folder]),
    ),
    each('sysctl', settings.guest.sysctls),
  ].join('\n')}\n`
}

/** Makes a folder for one boot: settings, command, stand-ins for the package manager. The caller removes it. */
export function makeRunFolder(): string {
  const parent = join(cacheRoot(), 'runs')
  mkdirSync(parent, { recursive: true })
  sweepLeftovers(parent, '')
  return realpathSync(mkdtempSync(join(parent, `${ownIdentity()}-`)))
}

/** Removes the folder of {@link makeRunFolder}. */
export function removeRunFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
}

/**
 * Fills the folder of one boot.
 *
 * @param argv command with its arguments
 * @returns the mark that ends the output channels
 */
export function fillRunFolder(
  runFolder: string,
  argv: readonly string[],
  settings: Omit<GuestSettings, 'checkout' | 'runFolder' | 'commandPath' | 'endMark'>,
): string {
  const checkout = checkoutFolder()
  const bin = join(runFolder, 'bin')
  mkdirSync(bin)
  const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  writeFileSync(join(bin, 'pnpm'), packageManagerScript(scripts, checkout))
  chmodSync(join(bin, 'pnpm'), 0o755)
  symlinkSync('pnpm', join(bin, 'npx'))
  const node = dirname(realpathSync(process.execPath))
  const endMark = `sendzc-end-${randomUUID()}`
  const text = settingsText({
    ...settings,
    checkout,
    runFolder,
    folders: [...settings.folders, node],
    commandPath: `${bin}:${node}:${systemPath}`,
    endMark,
  })
  writeFileSync(join(runFolder, 'settings'), text)
  writeFileSync(join(runFolder, 'command'), `exec ${quoteWords(argv)}\n`)
  return endMark
}
