// Opens a driver and closes it, and prints how long the process goes on after that.
import { tcpPairs } from '@sendzc/core/conformance'
import { DriverSession } from '@sendzc/core/fixtures'
import { uring } from '../../src/index.js'

const pair = await tcpPairs('127.0.0.1')()
new DriverSession(uring({ entries: 64 }), pair.fd, 4).driver.close()
await pair.dispose()
const closedAtMs = performance.now()
process.on('exit', () => process.stdout.write(JSON.stringify(performance.now() - closedAtMs)))
