// Programs of other people: TypeScript in its three ways to resolve packages, CommonJS, a bundle, and a backend of their own.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as esbuild from 'esbuild'
import ts from 'typescript'
import { root } from './stage.mjs'

const fixtures = join(import.meta.dirname, 'fixtures')

/** How a consumer's project is set, and which of its files are compiled. */
const PROJECTS = {
  node16: {
    options: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
    files: ['module.mts', 'common.cts'],
  },
  nodenext: {
    options: { module: ts.ModuleKind.NodeNext, moduleResolution: ts.ModuleResolutionKind.NodeNext },
    files: ['module.mts', 'common.cts'],
  },
  bundler: { options: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }, files: ['module.mts'] },
}

function diagnostics(folder, { options, files }) {
  const program = ts.createProgram(
    files.map((file) => join(folder, file)),
    {
      ...options,
      target: ts.ScriptTarget.ES2022,
      lib: ['lib.es2022.d.ts', 'lib.esnext.disposable.d.ts'],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    },
  )
  return ts
    .getPreEmitDiagnostics(program)
    .map(({ file, messageText }) => `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`)
}

const expectLine = (output, pattern) => {
  const found = output.match(pattern)
  if (found === null) throw new Error(`the output does not match ${pattern}:\n${output}`)
  return found[0]
}

export async function consumerChecks({ check, user, project }) {
  const typescript = join(project, 'typescript')
  cpSync(join(fixtures, 'consumer'), typescript, { recursive: true })
  // The same program as CommonJS: it gets its packages by require().
  writeFileSync(join(typescript, 'common.cts'), readFileSync(join(typescript, 'module.mts'), 'utf8'))
  for (const [name, settings] of Object.entries(PROJECTS)) {
    await check(`TypeScript, ${name}, strict, skipLibCheck false`, () => {
      const found = diagnostics(typescript, settings)
      if (found.length > 0) throw new Error(found.join('\n'))
    })
  }

  // Runtimes are tried with it, too.
  const names = [
    'sendzc',
    '@sendzc/core',
    '@sendzc/core/driver',
    '@sendzc/core/testing',
    '@sendzc/core/conformance',
    '@sendzc/sendmsg',
    '@sendzc/uring',
  ]
  writeFileSync(
    join(project, 'required.cjs'),
    `(async () => { for (const name of ${JSON.stringify(names)}) {
      const [required, imported] = [require(name), await import(name)]
      for (const key of Object.keys(imported)) if (required[key] !== imported[key]) throw new Error(name + ' ' + key)
      console.log(name, Object.keys(imported).length)
    } })()`,
  )
  await check('require() gives what import gives', async () => {
    const output = await user.run(project, 'node', ['required.cjs'])
    if (/Warning/.test(output)) throw new Error(output)
    return `${output.trim().split('\n').length} entries`
  })

  for (const format of ['esm', 'cjs']) {
    await check(`a bundle by esbuild, ${format}`, async () => {
      const outfile = join(project, `bundle-${format}.${format === 'esm' ? 'mjs' : 'cjs'}`)
      const wrapped = join(project, `entry-${format}.mjs`)
      const source = readFileSync(join(project, 'fifteen-lines.mjs'), 'utf8')
      const [imports, body] = [source.match(/^import .*$/gm).join('\n'), source.replaceAll(/^import .*$/gm, '')]
      writeFileSync(wrapped, `${imports}\n;(async () => {\n${body}\n})()\n`)
      await esbuild.build({ entryPoints: [wrapped], outfile, bundle: true, platform: 'node', format, target: 'node20', logLevel: 'silent' })
      return expectLine(await user.run(project, 'node', [outfile]), /received 1000000 bytes/)
    })
  }

  await check("the conformance suite, from its published entry, on somebody else's backend", async () => {
    const source = readFileSync(join(root, 'packages/core/test/consumer/writev-backend.ts'), 'utf8')
    const compiled = ts.transpileModule(source, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
    writeFileSync(join(project, 'writev-backend.mjs'), compiled.outputText)
    cpSync(join(fixtures, 'conformance-run.mjs'), join(project, 'conformance-run.mjs'))
    return expectLine(await user.run(project, 'node', ['conformance-run.mjs']), /\d+ held, 0 broken/)
  })

  await check('import time', async () => {
    const [empty, importing] = await processMilliseconds(user, project)
    const added = importing - empty
    // Where an empty process takes longer than the bound, the bound is its time: the machine is slow. Half as much again allows for noise.
    if (added > 1.5 * Math.max(IMPORT_MS, empty))
      throw new Error(`${added.toFixed(0)} ms over an empty process, which takes ${empty.toFixed(0)}`)
    return `${added.toFixed(0)} ms of processor time over an empty process, which takes ${empty.toFixed(0)}`
  })
}

/** What `import 'sendzc'` may take over an empty process, in ms. */
const IMPORT_MS = 40
const IMPORT_ROUNDS = 9

/** Processor time of an empty program and of one that imports, the least of runs taken in turns: whatever else the machine does adds to it. */
async function processMilliseconds(user, project) {
  const report = 'const { user, system } = process.cpuUsage(); console.log((user + system) / 1000)'
  const programs = [report, `import 'sendzc'; ${report}`]
  const least = programs.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < IMPORT_ROUNDS; round++) {
    for (const [at, program] of programs.entries()) {
      least[at] = Math.min(least[at], Number(await user.run(project, 'node', ['--input-type=module', '-e', program])))
    }
  }
  return least
}
