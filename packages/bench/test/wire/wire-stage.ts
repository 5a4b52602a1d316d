// A wire for a test, and why there can be none here.
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleProgram } from '@sendzc/core/fixtures'
import { WIRE_DEFAULTS, type WireSettings } from '../../src/record/wire-settings.js'
import { WireNamespace } from '../../src/wire/wire-namespace.js'
import { WirePeer } from '../../src/wire/wire-peer.js'
import { probeWire } from '../../src/wire/wire-probe.js'
import { buildWirePrograms } from '../../src/wire/wire-programs.js'

const run = promisify(execFile)
const CHILD_TIMEOUT_MS = 60_000

const probe = await probeWire()
/** Why no wire can be made here, for the name of what is skipped; undefined = it can. */
export const obstacle = probe.available ? undefined : probe.reason

/** Stands behind the name of what needs a wire. */
export const needs = obstacle === undefined ? '' : ` (skipped: ${obstacle})`

/** A namespace and the peer in it. */
export interface Stage extends AsyncDisposable {
  namespace: WireNamespace
  peer: WirePeer
  /** Runs a program of this folder in the namespace to its end. */
  child(name: string, ...args: string[]): Promise<string>
}

export async function openStage(settings: Partial<WireSettings> = {}, patternSeed?: number): Promise<Stage> {
  const programs = await buildWirePrograms()
  const all = { ...WIRE_DEFAULTS, ...settings }
  const namespace = WireNamespace.create(all.mtuBytes)
  try {
    const within = (...command: string[]): [string, ...string[]] => namespace.command(...command)
    const peer = await WirePeer.start({ programs, settings: all, cpu: null, within, ...(patternSeed === undefined ? {} : { patternSeed }) })
    return {
      namespace,
      peer,
      child: async (name, ...args) => {
        const program = await bundleProgram(fileURLToPath(new URL(`children/${name}.ts`, import.meta.url)))
        const [command, ...rest] = within(process.execPath, program, ...args)
        return (await run(command, rest, { timeout: CHILD_TIMEOUT_MS })).stdout
      },
      [Symbol.asyncDispose]: async () => {
        await peer[Symbol.asyncDispose]()
        namespace[Symbol.dispose]()
      },
    }
  } catch (error) {
    namespace[Symbol.dispose]()
    throw error
  }
}
