// A registry on this machine that has the packed packages, and asks the registry that npm is set up with for everything else: so the packages
// are installed by their names, as a user does.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename } from 'node:path'
import { run } from '../prebuilt/fetch.mjs'

/** Fields of package.json that package managers decide by, before they have the tarball. */
const DECIDING = ['os', 'cpu', 'libc', 'engines', 'bin', 'dependencies', 'optionalDependencies', 'scripts']

function manifestOf({ file }) {
  return JSON.parse(run('tar', ['-xOzf', file, 'package/package.json']))
}

function packument(packed, origin) {
  const manifest = manifestOf(packed)
  const deciding = Object.fromEntries(DECIDING.filter((field) => manifest[field] !== undefined).map((field) => [field, manifest[field]]))
  const { name, version, integrity, shasum, file } = packed
  const dist = { tarball: `${origin}/-/tarball/${basename(file)}`, integrity, shasum }
  return JSON.stringify({ name, 'dist-tags': { latest: version }, versions: { [version]: { name, version, ...deciding, dist } } })
}

/**
 * @param packages - what packAll answers
 * @returns its address, and how to end it
 */
export async function startLocalRegistry(packages) {
  const upstream = run('npm', ['config', 'get', 'registry']).trim().replace(/\/$/, '')
  const byName = new Map(packages.map((one) => [one.name, one]))
  const byFile = new Map(packages.map((one) => [basename(one.file), one]))
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://localhost').pathname).slice(1)
    const own = byName.get(path)
    const tarball = byFile.get(path.match(/^-\/tarball\/(.+)$/)?.[1])
    if (own !== undefined) response.setHeader('content-type', 'application/json').end(packument(own, origin))
    else if (tarball !== undefined) response.setHeader('content-type', 'application/octet-stream').end(readFileSync(tarball.file))
    else if (path.startsWith('@sendzc/') || path === 'sendzc') response.writeHead(404, { 'content-type': 'application/json' }).end('{}')
    else response.writeHead(307, { location: `${upstream}${request.url}` }).end()
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${server.address().port}`
  return { origin, end: () => new Promise((resolve) => server.close(resolve).closeAllConnections()) }
}
