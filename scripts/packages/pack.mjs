// Packs the published packages into tarballs.
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { prebuilt, prebuiltLaboratory } from '../prebuilt/build.mjs'
import { run } from '../prebuilt/fetch.mjs'
import { LABORATORY } from '../prebuilt/targets.mjs'
import { addLaboratoryAddon, LABORATORY_PACKAGES, PACKAGES, stagePackage, stagePlatformPackage } from './stage.mjs'

/**
 * @param out - folder for the tarballs; made where there is none
 * @param targets - platforms whose addons are packed, built first where the cache has none
 * @returns one `{ name, version, file, folder }` for each package
 */
export function packAll(out, targets) {
  mkdirSync(out, { recursive: true })
  const staging = mkdtempSync(join(tmpdir(), 'sendzc-pack-'))
  try {
    const laboratory = LABORATORY_PACKAGES.map((name) => stagePackage(name, staging))
    addLaboratoryAddon(join(staging, LABORATORY.addon), prebuiltLaboratory())
    const folders = [
      ...PACKAGES.map((name) => stagePackage(name, staging)),
      ...laboratory,
      ...targets.map((target) => stagePlatformPackage(target, prebuilt(target), staging)),
    ]
    const packed = JSON.parse(run('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', out, ...folders]))
    return packed.map(({ name, version, filename, size, unpackedSize, integrity, shasum, files }) => {
      const file = [filename, filename.replaceAll('@', '').replaceAll('/', '-')].map((one) => join(out, one)).find(existsSync)
      return { name, version, file, size, unpackedSize, integrity, shasum, files: files.map(({ path }) => path) }
    })
  } finally {
    rmSync(staging, { recursive: true, force: true })
  }
}
