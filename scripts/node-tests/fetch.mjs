// Node's own tests, from the distribution's source package: fetched by apt-get, which checks their signature, and unpacked into a cache folder. Never
// committed.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The release whose source is taken: the first with the major version of the oldest Node.js that is supported. */
const RELEASE = 'trixie'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
const APT_TIMEOUT_MS = 300_000
/** What is unpacked: the tests, and what they use. */
const PARTS = ['common', 'fixtures', 'parallel/test-net-*', 'parallel/test-http-*', 'parallel/test-stream-*']

/** The folder with `test/parallel` of Node's source; fetched where it is not there. */
export function nodeTestsFolder(say) {
  const base = process.env.XDG_CACHE_HOME
  const cache = join(base?.startsWith('/') ? base : join(homedir(), '.cache'), 'sendzc', 'node-tests')
  const folder = join(cache, RELEASE)
  if (existsSync(folder)) return folder
  mkdirSync(cache, { recursive: true })
  const work = mkdtempSync(join(cache, 'fetch-'))
  try {
    say(`fetching the source package nodejs of ${RELEASE}`)
    const tarball = fetchTarball(work)
    const unpacked = join(work, 'unpacked')
    mkdirSync(unpacked)
    const patterns = PARTS.map((part) => `*/test/${part}`)
    execFileSync('tar', ['xf', tarball, '-C', unpacked, '--strip-components=1', '--wildcards', ...patterns], { stdio: 'inherit' })
    renameSync(unpacked, folder)
    return folder
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Fetches with lists and a cache of its own: the machine's are left alone. */
function fetchTarball(work) {
  for (const name of ['lists/partial', 'cache/archives/partial', 'source']) mkdirSync(join(work, name), { recursive: true })
  const sites = execFileSync('apt-get', ['indextargets', '--format', '$(REPO_URI)'], { encoding: 'utf8' }).split('\n')
  const site = sites.find((each) => each.endsWith('/debian/'))
  if (site === undefined) throw new Error('this machine has no mirror of Debian in its package sources')
  writeFileSync(join(work, 'sources.list'), `deb-src [signed-by=${KEYRING}] ${site} ${RELEASE} main\n`)
  const options = {
    'Dir::Etc::SourceList': join(work, 'sources.list'),
    'Dir::Etc::SourceParts': '/dev/null',
    'Dir::State::Lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': '',
  }
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const apt = (...args) =>
    execFileSync('apt-get', [...flags, '-qq', ...args], {
      cwd: join(work, 'source'),
      stdio: ['ignore', 'ignore', 'inherit'],
      timeout: APT_TIMEOUT_MS,
    })
  apt('update')
  apt('--download-only', '--tar-only', '--only-source', 'source', 'nodejs')
  const name = readdirSync(join(work, 'source')).find((each) => /^nodejs_.*\.orig\.tar\.\w+$/.test(each))
  if (name === undefined) throw new Error('the source package has no nodejs_*.orig.tar')
  return join(work, 'source', name)
}
