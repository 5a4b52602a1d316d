// Does a send task in a process of its own, for tests that put the process under strace or in a namespace.
import { send } from '../send-task.js'

process.stdout.write(JSON.stringify(await send(JSON.parse(process.argv[2] as string))))
