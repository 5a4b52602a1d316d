import type { Command } from '../cli/command.js'
import { parseCommandLine } from '../cli/command-line.js'
import type { ExitStatusCode } from '../cli/failure.js'
import { chooseProcessors } from '../machine/processors.js'
import { wireSettingsText } from '../record/wire-settings.js'
import { runCommand, untilSignal } from '../wire/namespace-command.js'
import { checkClient, connectClient, WIRE_CLIENT_OPTIONS } from '../wire/wire-client.js'
import { WireNamespace } from '../wire/wire-namespace.js'
import { WIRE_BEHAVIOUR_OPTIONS, wireSettings } from '../wire/wire-options.js'
import { WirePeer } from '../wire/wire-peer.js'
import { buildWirePrograms } from '../wire/wire-programs.js'
import { summaryLines } from '../wire/wire-summary.js'
import { welcome } from '../wire/wire-welcome.js'

/** Options of `bench wire`. */
export const WIRE_COMMAND_OPTIONS = {
  ...WIRE_BEHAVIOUR_OPTIONS,
  ...WIRE_CLIENT_OPTIONS,
}

async function wireCommandRun(args: readonly string[]): Promise<ExitStatusCode> {
  const at = args.indexOf('--')
  const command = at < 0 ? [] : args.slice(at + 1)
  const options = parseCommandLine(at < 0 ? args : args.slice(0, at), WIRE_COMMAND_OPTIONS)
  const settings = wireSettings(options)
  const { client } = options
  checkClient(options)
  const programs = await buildWirePrograms()
  const { receiver } = await chooseProcessors(undefined)
  using namespace = WireNamespace.create(settings.mtuBytes)
  await using peer = await WirePeer.start({ programs, settings, cpu: receiver, within: (...own) => namespace.command(...own) })
  if (client !== undefined) await connectClient(peer, client, options)
  const before = await peer.stats()
  process.stderr.write(`${welcome(namespace, wireSettingsText(settings)).join('\n')}\n`)
  const status = command.length === 0 ? await untilSignal() : await runCommand(namespace, command)
  const after = await peer.stats()
  process.stderr.write(`${summaryLines(before, after, client !== undefined).join('\n')}\n`)
  return status
}

/** `bench wire`. */
export const wireCommand: Command = {
  about: 'Makes a wire and runs a command in its namespace: bench wire [options] -- COMMAND. Without a command it stays until Ctrl-C.',
  options: WIRE_COMMAND_OPTIONS,
  run: wireCommandRun,
}
