#!/usr/bin/env node
import { HelpWanted, helpText } from './command-line.js'
import { doctorCommand } from './doctor.js'
import { ExitStatus, runToStatus } from './failure.js'

process.exitCode = await runToStatus('sendzc doctor', async () => {
  try {
    return await doctorCommand.run(process.argv.slice(2))
  } catch (error) {
    if (!(error instanceof HelpWanted)) throw error
    process.stdout.write(helpText('sendzc doctor [--json]', doctorCommand.about, doctorCommand.options))
    return ExitStatus.Ok
  }
})
