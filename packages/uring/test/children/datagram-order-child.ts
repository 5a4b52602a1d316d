// Writes datagrams into a socket that is full, on a slow device, and prints the overtaken ones.
import { datagramsOvertaken, type LoopbackHost } from '@sendzc/core/fixtures'
import { BACKENDS } from './backends.js'

const { backend, host } = JSON.parse(process.argv[2] as string) as { backend: string; host: LoopbackHost }
const make = BACKENDS[backend]
if (make === undefined) throw new Error(`no backend ${backend}`)
process.stdout.write(JSON.stringify(await datagramsOvertaken(make(), host)))
