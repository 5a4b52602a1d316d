#!/usr/bin/env node
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { buildAddons } from './build-addons.js'
import { doctorProbes, doctorReport, zerocopyWorks } from './doctor.js'

const USAGE = `Usage: sendzc COMMAND

  doctor [--json]   what every backend can do on this host; where it cannot, why and what to do
  calibrate         measures from which size on zero-copy pays on this machine, and prints the options for it
  build-addons      builds the addons from source, where no prebuilt ones exist (a compiler and liburing are needed)
  --version         prints the version
  --help            prints this

The exit status of doctor is 0 where at least one backend sends without copying, else 1. calibrate runs the laboratory, @sendzc/bench, which npx fetches
where it is not installed; "calibrate --help" has its options.
`

function version(): string {
  return (JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }).version
}

function doctor(options: readonly string[]): number {
  const unknown = options.find((option) => option !== '--json')
  if (unknown !== undefined) return misused(`doctor has no option ${unknown}`)
  const probes = doctorProbes()
  const works = zerocopyWorks(probes)
  const host = { sendzc: version(), node: process.version, platform: `${process.platform}-${process.arch}`, kernel: release() }
  if (options.includes('--json')) process.stdout.write(`${JSON.stringify({ ...host, zerocopy: works, probes }, null, 2)}\n`)
  else {
    const about = `sendzc ${host.sendzc}, Node.js ${host.node}, ${host.platform}, kernel ${host.kernel}`
    process.stdout.write(`${[about, '', ...doctorReport(probes)].join('\n')}\n`)
  }
  return works ? 0 : 1
}

/** The laboratory is a package of its own: measuring takes a compiler, BPF and a network namespace, which are no part of what sends. */
function calibrate(options: readonly string[]): number {
  const laboratory = `@sendzc/bench@${version()}`
  process.stderr.write(`sendzc: npx ${laboratory} calibrate\n`)
  // npx tells where its own program is; it need not be on the PATH.
  const { npm_execpath: program = '' } = process.env
  const [file, ...args] = program.endsWith('npm-cli.js') ? [process.execPath, program] : ['npm']
  const { status, error } = spawnSync(file, [...args, 'exec', '--yes', '--', laboratory, 'calibrate', ...options], { stdio: 'inherit' })
  if (error !== undefined)
    process.stderr.write(`sendzc: npm cannot be run: ${error.message}. Install npm, or ${laboratory} by another way.\n`)
  return status ?? 1
}

function misused(what: string): number {
  process.stderr.write(`sendzc: ${what}. See sendzc --help.\n`)
  return 2
}

function run([command, ...options]: readonly string[]): number {
  switch (command) {
    case 'doctor':
      return doctor(options)
    case 'calibrate':
      return calibrate(options)
    case 'build-addons':
      return buildAddons()
    case '--version':
      process.stdout.write(`${version()}\n`)
      return 0
    case undefined:
    case '--help':
    case '-h':
      process.stdout.write(USAGE)
      return 0
    default:
      return misused(`there is no "${command}"`)
  }
}

process.exitCode = run(process.argv.slice(2))
