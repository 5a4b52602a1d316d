import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { bundleProgram } from '@sendzc/core/fixtures'
import { expect, it } from 'vitest'

it('the import loads no module of HTTP', async () => {
  const program = await bundleProgram(fileURLToPath(new URL('./children/import-child.ts', import.meta.url)))
  const { names, loaded } = JSON.parse(execFileSync(process.execPath, [program], { encoding: 'utf8' }))
  expect(names).toBeGreaterThan(10)
  expect(loaded.filter((name: string) => /^NativeModule (_http|http)/u.test(name))).toEqual([])
})
