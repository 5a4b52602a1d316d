// The same programs on every runtime that README names, and README's table of them.
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './stage.mjs'
import { bunBinary, denoBinary, nodeBinary } from './user-environment.mjs'

const BACKENDS = ['uring', 'errqueue', 'copy', 'auto']
/** By their name in README: where the program is, what stands before a file's name, and whether its backends work. */
const RUNTIMES = [
  ...[20, 22, 24, 25, 26].map((line) => ({ name: `Node.js ${line}`, binary: () => nodeBinary(line), args: [], works: true })),
  { name: 'Bun 1', binary: bunBinary, args: [], works: false },
  { name: 'Deno 2', binary: denoBinary, args: ['run', '-A'], works: false },
]

export async function runtimeChecks({ check, user, project }) {
  cpSync(join(import.meta.dirname, 'fixtures/refused.mjs'), join(project, 'refused.mjs'))
  const rows = []
  for (const { name, binary, args, works } of RUNTIMES) {
    const what = works ? '10 MB through each backend, fifteen lines, require()' : 'import, and each backend refused with its reason'
    await check(`${name}: ${what}`, async () => {
      const runtime = binary()
      const run = (file, ...rest) => user.run(project, runtime, [...args, file, ...rest])
      if (works) {
        for (const backend of BACKENDS) await run('content-check.mjs', backend)
        await run('fifteen-lines.mjs')
        await run('required.cjs')
      } else {
        const lines = (await run('refused.mjs')).trim().split('\n')
        const expected = BACKENDS.map((backend) => `${backend}: ERR_ZC_PLATFORM`)
        if (lines.join() !== expected.join()) throw new Error(lines.join('\n'))
      }
      rows.push(`| ${[name, 'yes', ...BACKENDS.map(() => (works ? 'yes' : 'refused'))].join(' | ')} |`)
      return (await user.run(project, runtime, ['--version'])).trim().split('\n')[0]
    })
  }
  await check("README's table of runtimes", () => {
    const readme = readFileSync(join(root, 'README.md'), 'utf8').replaceAll(/ +/g, ' ')
    const lost = rows.filter((row) => !readme.includes(row))
    if (lost.length > 0 || rows.length !== RUNTIMES.length) throw new Error(`README lacks\n${lost.join('\n')}`)
  })
}
