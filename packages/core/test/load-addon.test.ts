import { describe, expect, it } from 'vitest'
import { cLibrary, loadAddon, platformPackage } from '../src/driver/load-addon.js'
import { ZeroCopyError } from '../src/entries/index.js'

function refusal(moduleUrl: string | undefined): ZeroCopyError {
  try {
    loadAddon('nowhere', moduleUrl)
  } catch (error) {
    if (ZeroCopyError.is(error)) return error
    throw error
  }
  throw new Error('it was loaded')
}

describe('an addon', () => {
  it('comes from a package named after platform, architecture and C library', () => {
    // Node.js's own report: only glibc has a version there.
    const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } }
    expect(cLibrary()).toBe(header.glibcVersionRuntime === undefined ? 'musl' : 'gnu')
    expect(platformPackage()).toBe(`@sendzc/linux-${process.arch}-${cLibrary()}`)
  })

  it.each([
    ['a module', import.meta.url],
    ['a bundle without a URL', undefined],
  ])('that is nowhere is refused to %s, with both causes and a remedy that names the package', (_who, moduleUrl) => {
    const error = refusal(moduleUrl)
    expect(error.code).toBe('ERR_ZC_PLATFORM')
    expect(error.remedy).toContain(platformPackage())
    expect((error.cause as AggregateError).errors).toHaveLength(2)
    expect(String((error.cause as AggregateError).errors[0])).toContain(`${platformPackage()}/nowhere.node`)
  })
})
