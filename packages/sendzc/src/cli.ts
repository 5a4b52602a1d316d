#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { release } from 'node:os'
import { buildAddons } from './build-addons.js'
import { doctorProbes, doctorReport, zerocopyWorks } from './doctor.js'

const USAGE = `Usage: sendzc COMMAND

  doctor [--json]   what every backend can do on this host; where it cannot, why and what to do
  calibrate         says which command measures from which size on zero-copy pays on this machine
  build-addons      builds the addons from source, where no prebuilt ones exist (a compiler and liburing are needed)
  --version         prints the version
  --help            prints this

The exit status of doctor is 0 where at least one backend sends without copying, else 1. The laboratory is in the repository alone.
`

/** Measuring takes a wire (BPF, a network namespace), which is no part of what sends. */
const CALIBRATE = `sendzc: the laboratory measures this machine, in under a minute, and prints the options for it. In a checkout of the repository:

  npx -y pnpm@10 bench calibrate

Its wire needs root, clang and libbpf. Without them it measures loopback, which says nothing of a NIC.
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

function misused(what: string): number {
  process.stderr.write(`sendzc: ${what}. See sendzc --help.\n`)
  return 2
}

function run([command, ...options]: readonly string[]): number {
  switch (command) {
    case 'doctor':
      return doctor(options)
    case 'calibrate':
      process.stderr.write(CALIBRATE)
      return 2
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
