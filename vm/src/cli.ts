#!/usr/bin/env node
import { parseArguments, usage } from './arguments.js'
import { VmError } from './errors.js'
import { buildKernel, buildSelftests } from './kernel-build.js'
import { runCommandInGuest } from './run-command.js'
import { testInGuest } from './test-command.js'

async function main(): Promise<number> {
  const parsed = parseArguments(process.argv.slice(2))
  switch (parsed.command) {
    case 'help':
      console.log(usage)
      return 0
    case 'build': {
      const kernel = await buildKernel(parsed.debug)
      const selftests = await buildSelftests()
      console.log(`kernel ${kernel.image}\nselftests ${selftests ?? 'none: kernel/selftests has no Makefile'}`)
      return 0
    }
    case 'run':
      return runCommandInGuest(parsed.guest, parsed.argv)
    case 'test':
      return testInGuest(parsed.debug, parsed.boots)
  }
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof VmError)) throw error
  console.error(error.message)
  process.exitCode = error.exitStatus
}
