// Installs packages with apt-get, as root on Debian or Ubuntu, and reports each failed try.
//   node scripts/apt-install.mjs PACKAGE...
import { spawnSync } from 'node:child_process'
import { pathToFileURL } from 'node:url'

/** Tries of one installation. A mirror that does not answer, or a name that is not found for a moment, does not end the installation. */
const MAX_TRIES = 4
/** Pause before the second try, in ms; each later one is twice as long. */
const FIRST_PAUSE_MS = Number(process.env.SENDZC_APT_FIRST_PAUSE_MS ?? 5_000)
/** How long one call of apt-get may take, in ms: linux-source alone is 140 MB. */
const CALL_TIMEOUT_MS = 600_000
/** How long apt-get waits for another process that holds the package database, in s. */
const LOCK_TIMEOUT_S = 300

function aptGet(args) {
  const { status, stderr, error } = spawnSync('apt-get', ['-o', `DPkg::Lock::Timeout=${LOCK_TIMEOUT_S}`, ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
    timeout: CALL_TIMEOUT_MS,
  })
  if (status === 0) return undefined
  return (error?.message ?? stderr).trim()
}

/**
 * Installs packages. From the second try on the package lists are fetched first: those of a fresh image are empty, old ones name versions that are gone.
 * @returns why it failed, in apt-get's own words; undefined = installed
 */
export function aptInstall(packages, say = (line) => console.error(`sendzc: ${line}`)) {
  const command = `apt-get install ${packages.join(' ')}`
  let pauseMs = FIRST_PAUSE_MS
  for (let attempt = 1; ; attempt++) {
    if (attempt > 1) aptGet(['update', '-qq'])
    const failure = aptGet(['install', '-y', '--no-install-recommends', ...packages])
    if (failure === undefined) return undefined
    if (attempt === MAX_TRIES) return `${command} failed ${MAX_TRIES} times:\n${failure}`
    // The first failure mostly means that there are no package lists: they are fetched at once.
    const waitMs = attempt === 1 ? 0 : pauseMs
    say(
      `${command} failed (try ${attempt} of ${MAX_TRIES}); trying again${waitMs === 0 ? ' with fresh package lists' : ` in ${waitMs / 1_000} s`}`,
    )
    if (waitMs === 0) continue
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, waitMs)
    pauseMs *= 2
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const failure = aptInstall(process.argv.slice(2))
  if (failure !== undefined) {
    console.error(`sendzc: ${failure}`)
    process.exit(1)
  }
}
