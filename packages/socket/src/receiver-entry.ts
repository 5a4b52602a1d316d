import { readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** How to start the receiver process. */
export interface ReceiverEntry {
  main: string
  execArgv: string[]
}

const pathOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url))

function newestMs(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  return Math.max(0, ...entries.filter((entry) => entry.isFile()).map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs))
}

/** Whether `tsc -b` has seen the sources of this package and of core as they are. */
function compiledIsCurrent(): boolean {
  try {
    const compiledMs = Math.min(...['../dist/.tsbuildinfo', '../../core/dist/.tsbuildinfo'].map((info) => statSync(pathOf(info)).mtimeMs))
    return [pathOf('.'), pathOf('../../core/src')].every((folder) => newestMs(folder) <= compiledMs)
  } catch {
    return false // Never compiled.
  }
}

/**
 * Compiled code starts the compiled process. TypeScript sources (the tests of this workspace) start it too where it was compiled from
 * these very sources, which takes a quarter of the CPU time; else they run the sources through tsx.
 * @internal
 */
export function receiverEntry(isCurrent: () => boolean = compiledIsCurrent): ReceiverEntry {
  if (!import.meta.url.endsWith('.ts')) return { main: pathOf('./receiver-main.js'), execArgv: [] }
  if (isCurrent()) return { main: pathOf('../dist/receiver-main.js'), execArgv: [] }
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx/esm')).href
  return { main: pathOf('./receiver-main.ts'), execArgv: ['--conditions=@sendzc/source', '--import', tsx] }
}
