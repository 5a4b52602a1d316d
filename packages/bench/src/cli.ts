#!/usr/bin/env node
import { bench } from './bench.js'
import { runToStatus } from './cli/failure.js'

process.exitCode = await runToStatus('bench', () => bench(process.argv.slice(2)))
