// The same programs on every runtime that README names, and README's table of them.
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './stage.mjs'
import { bunBinary, denoBinary, nodeBinary } from './user-environment.mjs'

const BACKENDS = ['uring', 'errqueue', 'copy', 'auto']
/** What needs no addon: on a runtime that runs none, `auto` comes to `copy`. */
const WITHOUT_ADDONS = ['copy', 'auto']
/** By their name in README: where the program is, what stands before a file's name, and whether addons run there. */
const RUNTIMES = [
  ...[20, 22, 24, 25, 26].map((line) => ({ name: `Node.js ${line}`, binary: () => nodeBinary(line), args: [], addons: true })),
  { name: 'Bun 1', binary: bunBinary, args: [], addons: false },
  { name: 'Deno 2', binary: denoBinary, args: ['run', '-A'], addons: false },
]

export async function runtimeChecks({ check, user, project }) {
  cpSync(join(import.meta.dirname, 'fixtures/refused.mjs'), join(project, 'refused.mjs'))
  const rows = []
  for (const { name, binary, args, addons } of RUNTIMES) {
    const what = addons
      ? '10 MB through each backend, fifteen lines, require()'
      : 'import, 10 MB through the copying backend, and the others refused with their reason'
    await check(`${name}: ${what}`, async () => {
      const runtime = binary()
      const run = (file, ...rest) => user.run(project, runtime, [...args, file, ...rest])
      const working = addons ? BACKENDS : WITHOUT_ADDONS
      for (const backend of working) await run('content-check.mjs', backend)
      if (addons) {
        await run('fifteen-lines.mjs')
        await run('required.cjs')
      } else {
        const lines = (await run('refused.mjs')).trim().split('\n')
        const expected = BACKENDS.map((backend) => `${backend}: ${working.includes(backend) ? 'opened copy' : 'ERR_ZC_PLATFORM'}`)
        if (lines.join() !== expected.join()) throw new Error(lines.join('\n'))
      }
      rows.push(`| ${[name, 'yes', ...BACKENDS.map((backend) => (working.includes(backend) ? 'yes' : 'refused'))].join(' | ')} |`)
      return (await user.run(project, runtime, ['--version'])).trim().split('\n')[0]
    })
  }
  await check("README's table of runtimes", () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll(/ +/g, ' ')
    const lost = rows.filter((row) => !readme.includes(row))
    if (lost.length > 0 || rows.length !== RUNTIMES.length) throw new Error(`README lacks\n${lost.join('\n')}`)
  })
}
