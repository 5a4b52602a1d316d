import { randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { GuestOptions } from './arguments.js'
import { cacheRoot, sweepLeftovers } from './cache-folder.js'
import { checkoutFolder } from './checkout.js'
import { netMtuBytes } from './machine-model.js'
import { packageManagerScript } from './package-scripts.js'
import { ownIdentity } from './process-identity.js'

/** Folders that the guest covers with memory of its own, with their mount options. */
const coveredFolders = [
  ['/tmp', 'mode=1777'],
  ['/run', 'mode=0755'],
  ['/var/tmp', 'mode=1777'],
] as const

/** Where the guest's first program keeps what is its own (guest/filesystem.c). */
const ownFolder = '/dev/.sendzc'

/** What a socket may ask for, in bytes: the benchmarks want what the kernel's own selftest does, and the 208 KiB that it grants hold three sends. */
const socketBufferBytes = '2097152'
/** Settings of every boot; those of the caller come later. */
const guestSysctls = [
  ['net.core.wmem_max', socketBufferBytes],
  ['net.core.rmem_max', socketBufferBytes],
] as const

const systemPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** What guest/init.c is told. */
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
  /** Numbers of the processors that the kernel has left off. */
  readonly lateProcessors: readonly number[]
  readonly argv: readonly string[]
}

/** Files for `ip -batch`: the guest's own namespace, and `peer`. */
const networkBatches = {
  here: `netns add peer
link set eth1 netns peer
addr add 10.77.0.1/24 dev eth0
addr add fd77::1/64 dev eth0 nodad
link set eth0 mtu ${netMtuBytes} up
`,
  peer: `link set lo up
addr add 10.77.0.2/24 dev eth1
addr add fd77::2/64 dev eth1 nodad
link set eth1 mtu ${netMtuBytes} up
`,
} as const

/**
 * The orders for guest/init.c, in the order in which it obeys them. A folder is held before another covers
 * it and shown again afterwards.
 */
export function guestOrders(settings: GuestSettings): string[][] {
  const { checkout, runFolder, outputFolder } = settings
  const isCovered = (path: string) => coveredFolders.some(([folder]) => path === folder || path.startsWith(`${folder}/`))
  const covered = [...new Set([checkout, runFolder, ...settings.folders])].filter(isCovered)
  const environment: (readonly [string, string])[] = [
    ['HOME', `${ownFolder}/home`],
    ['TMPDIR', '/tmp'],
    ['PATH', settings.commandPath],
    ['SENDZC_VM', '1'],
    ['SENDZC_VM_OUT', outputFolder],
    ...settings.environment,
  ]
  return [
    ...settings.lateProcessors.map((number) => ['processor', `/sys/devices/system/cpu/cpu${number}/online`]),
    ...[...new Set([checkout, ...covered])].map((folder) => ['hold', folder]),
    ...coveredFolders.map(([folder, options]) => ['cover', folder, options]),
    ...covered.map((folder) => ['show', folder]),
    ['checkout', checkout],
    ['output', outputFolder],
    ['folder', `${ownFolder}/home`],
    ...(settings.guest.net
      ? [
          ['ip', '', `${runFolder}/ip-here`],
          ['ip', 'peer', `${runFolder}/ip-peer`],
        ]
      : []),
    ...[...guestSysctls, ...settings.guest.sysctls].map(([name, value]) => ['sysctl', name, value]),
    ...environment.map(([name, value]) => ['environment', name, value]),
    ['enter', checkout],
    ['mark', settings.endMark],
    ...settings.argv.map((word) => ['argument', word]),
  ]
}

/**
 * Writes orders as guest/init.c reads them: each word ended by a NUL.
 *
 * @throws RangeError for a word that holds a NUL
 */
export function serializeOrders(orders: readonly (readonly string[])[]): string {
  const words = orders.flat()
  if (words.some((word) => word.includes('\0'))) throw new RangeError('an order cannot hold a NUL')
  return words.map((word) => `${word}\0`).join('')
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
 * @returns the mark that ends the output channels
 */
export function fillRunFolder(settings: Omit<GuestSettings, 'checkout' | 'commandPath' | 'endMark'>): string {
  const { runFolder } = settings
  const checkout = checkoutFolder()
  const bin = join(runFolder, 'bin')
  mkdirSync(bin)
  const { scripts } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  writeFileSync(join(bin, 'pnpm'), packageManagerScript(scripts, checkout))
  chmodSync(join(bin, 'pnpm'), 0o755)
  symlinkSync('pnpm', join(bin, 'npx'))
  const endMark = `sendzc-end-${randomUUID()}`
  const node = dirname(realpathSync(process.execPath))
  const orders = guestOrders({
    ...settings,
    checkout,
    folders: [...settings.folders, node],
    commandPath: `${bin}:${node}:${systemPath}`,
    endMark,
  })
  writeFileSync(join(runFolder, 'orders'), serializeOrders(orders))
  writeFileSync(join(runFolder, 'ip-here'), networkBatches.here)
  writeFileSync(join(runFolder, 'ip-peer'), networkBatches.peer)
  return endMark
}
