import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { promisify } from 'node:util'
import { BenchFailure, messageOf } from '../cli/failure.js'
import { PAYLOAD_OFFSET_BYTES } from '../ends/payload.js'

const run = promisify(execFile)

/** Where distributions put the kernel's source archive. */
const SOURCE_FOLDER = '/usr/src'

/** Bounds of the steps, in ms: unpacking reads a whole archive of about 140 MB. */
const STEP_TIMEOUT_MS = { install: 600_000, unpack: 600_000, compile: 120_000 } as const

/** Tries of the installation, and the pauses between them in ms: a mirror or a name server can fail for a moment. */
const INSTALL_PAUSES_MS = [5_000, 15_000] as const

/** Files of the kernel's source that are unpacked: the two selftests, and the headers of the kernel that they include. Patterns of tar --wildcards. */
const MEMBERS = [
  '*/tools/testing/selftests/net/msg_zerocopy.c',
  '*/tools/testing/selftests/net/io_uring_zerocopy_tx.c',
  '*/tools/include/io_uring/mini_liburing.h',
  // The test belongs to its kernel, and the system's own header may be older.
  '*/include/uapi/linux/io_uring*',
] as const

/** Name of the environment variable that sets the congestion control of a selftest's sockets; without it the system's applies. */
export const CONGESTION_VARIABLE = 'SENDZC_CONGESTION'

/**
 * Linked before connect(2) of the selftests, so that their sockets have our settings; their code stays as it is. The settings have to
 * precede the connection: a socket that began with bbr goes on pacing under another congestion control.
 */
const CONNECT_WRAPPER = `#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int __real_connect(int fd, const struct sockaddr *address, socklen_t size);

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	const char *name = getenv("${CONGESTION_VARIABLE}");
	int type = 0;
	socklen_t type_size = sizeof(type);

	if (name && !getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) && type == SOCK_STREAM &&
	    setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, strlen(name)))
		return -1;
	return __real_connect(fd, address, size);
}
`

/** The kernel's own senders, compiled. */
export interface Selftests {
  /** Path of the program built from msg_zerocopy.c. */
  msgZerocopy: string
  /** Path of the program built from io_uring_zerocopy_tx.c; undefined where it does not compile here. */
  ioUring: string | undefined
  /** Where the payload of each begins in its page, in bytes, as its symbol table says. */
  payloadOffsetBytes: { msgZerocopy: number; ioUring: number }
  /** Which sources, for example `linux-source-6.12`. */
  source: string
  /** Sentences about what could not be built. */
  notes: string[]
}

/**
 * Builds the kernel's selftests from the distribution's linux-source package. Sources and programs stay in a cache folder
 * (`$XDG_CACHE_HOME/sendzc` or `~/.cache/sendzc`); they are another project's code under its own licence and never enter this one.
 * @param say - called with a line before each slow step
 * @throws BenchFailure with the command to run, when sources or compiler are missing and cannot be installed
 */
export async function buildSelftests(say: (line: string) => void): Promise<Selftests> {
  const archive = (await findArchive()) ?? (await installArchive(say))
  const source = basename(archive).replace(/\.tar\.[a-z0-9]+$/u, '')
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'sendzc', 'selftests', source)
  const sources = join(cache, 'src')
  if (!existsSync(sources)) await unpack(archive, cache, sources, say)
  const net = join(sources, 'tools', 'testing', 'selftests', 'net')
  const variant = createHash('sha256').update(CONNECT_WRAPPER).digest('hex').slice(0, 8)
  const wrapper = join(cache, 'connect.c')
  await writeFile(wrapper, CONNECT_WRAPPER)
  const link = [wrapper, '-Wl,--wrap=connect']
  const notes: string[] = []
  const msgZerocopy = join(cache, `msg_zerocopy-${variant}`)
  await compile(join(net, 'msg_zerocopy.c'), msgZerocopy, link)
  let ioUring: string | undefined = join(cache, `io_uring_zerocopy_tx-${variant}`)
  try {
    await compile(join(net, 'io_uring_zerocopy_tx.c'), ioUring, [
      ...link,
      '-I',
      join(sources, 'tools', 'include'),
      '-I',
      join(sources, 'include', 'uapi'),
    ])
  } catch (error) {
    notes.push(`io_uring_zerocopy_tx.c of ${source} was left out: ${messageOf(error)}`)
    ioUring = undefined
  }
  const payloadOffsetBytes = {
    msgZerocopy: await payloadOffset(msgZerocopy),
    ioUring: ioUring === undefined ? PAYLOAD_OFFSET_BYTES : await payloadOffset(ioUring),
  }
  return { msgZerocopy, ioUring, payloadOffsetBytes, source, notes }
}

/** Both programs keep what they send in a static array of this name. A program is loaded at a page's start. */
async function payloadOffset(program: string): Promise<number> {
  const { stdout } = await run('nm', [program], { timeout: STEP_TIMEOUT_MS.compile })
  const address = /^([0-9a-f]+) [bBdD] payload$/mu.exec(stdout)?.[1]
  return address === undefined ? PAYLOAD_OFFSET_BYTES : Number.parseInt(address.slice(-3), 16)
}

/** Path of the archive of the newest kernel that is there. */
export async function findArchive(): Promise<string | undefined> {
  const names = await readdir(SOURCE_FOLDER).catch((): string[] => [])
  const archives = names.filter((name) => /^linux-source-\d[\w.-]*\.tar\.(?:xz|bz2|gz|zst)$/u.test(name))
  const newest = archives.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1)
  return newest === undefined ? undefined : join(SOURCE_FOLDER, newest)
}

async function installArchive(say: (line: string) => void): Promise<string> {
  const command = 'apt-get install -y linux-source'
  const isRoot = process.getuid?.() === 0
  if (!isRoot || !existsSync('/usr/bin/apt-get')) {
    throw new BenchFailure(
      `No kernel source in ${SOURCE_FOLDER}. Install it: ${isRoot ? '' : 'sudo '}${command} (Debian, Ubuntu), or put a linux-source-VERSION.tar.xz there.`,
    )
  }
  say(`Installing the kernel source: ${command}`)
  for (const pauseMs of [...INSTALL_PAUSES_MS, undefined]) {
    try {
      await aptGet('update')
      await aptGet('install', '-y', '--no-install-recommends', 'linux-source')
      break
    } catch (error) {
      if (pauseMs === undefined) throw new BenchFailure(`"${command}" failed: ${messageOf(error)}`, undefined, error)
      say(`"${command}" failed; trying again in ${pauseMs / 1_000} s: ${messageOf(error)}`)
      await setTimeout(pauseMs)
    }
  }
  const archive = await findArchive()
  if (archive === undefined) throw new BenchFailure(`"${command}" left no linux-source archive in ${SOURCE_FOLDER}.`)
  return archive
}

async function aptGet(...args: string[]): Promise<void> {
  await run('apt-get', args, { timeout: STEP_TIMEOUT_MS.install, env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
}

/** Unpacks into a temporary folder that is renamed at the end, so that an interrupted run leaves no half of it. */
async function unpack(archive: string, cache: string, sources: string, say: (line: string) => void): Promise<void> {
  say(`Unpacking the selftests from ${basename(archive)} (once; about a minute)`)
  await mkdir(cache, { recursive: true })
  const temporary = await mkdtemp(join(cache, 'unpack-'))
  try {
    await run('tar', ['-xf', archive, '-C', temporary, '--strip-components=1', '--wildcards', ...MEMBERS], {
      timeout: STEP_TIMEOUT_MS.unpack,
    }).catch((error: unknown) => {
      // An older archive lacks mini_liburing.h: tar then names the missing pattern and still unpacks the rest.
      if (!existsSync(join(temporary, 'tools/testing/selftests/net/msg_zerocopy.c'))) throw error
    })
    await rename(temporary, sources)
  } catch (error) {
    await rm(temporary, { recursive: true, force: true })
    throw new BenchFailure(`Cannot unpack ${archive}: ${messageOf(error)}`, undefined, error)
  }
}

async function compile(source: string, program: string, flags: readonly string[]): Promise<void> {
  if (existsSync(program)) return
  const temporary = `${program}.${process.pid}.tmp`
  try {
    await run('gcc', ['-O2', '-w', ...flags, '-o', temporary, source], { timeout: STEP_TIMEOUT_MS.compile })
    await rename(temporary, program)
  } catch (error) {
    await rm(temporary, { force: true })
    throw new BenchFailure(
      `Cannot compile ${basename(source)} with gcc (apt-get install -y gcc libc6-dev): ${messageOf(error)}`,
      undefined,
      error,
    )
  }
}
