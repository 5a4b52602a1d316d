// House rules that no linter knows, one finding a line.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const MAX_FILE_LINES = 450
/** Formatters break code at 140; strings are left whole. */
const MAX_LINE_LENGTH = 190

/** Files in git's index and new ones it doesn't ignore. */
export function trackedFiles(root) {
  const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  return output.split('\0').filter((path) => path !== '')
}

const isCode = (path) => /\.(ts|mjs|cc|c|h)$/.test(path) && !path.startsWith('kernel/')

/** A rule looks at one file and returns its findings. */
const rules = [
  ({ path }) =>
    /(^|[-_.])(utils?|helpers?|manager)\.(ts|mjs|cc|h)$/.test(basename(path)) ? ['the name says nothing of what is in it'] : [],
  ({ path }) =>
    /\.(ts|mjs)$/.test(path) && !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)*$/.test(basename(path)) ? ['TypeScript files are kebab-case'] : [],
  ({ path }) => (/\.(cc|h)$/.test(path) && !/^[a-z0-9]+(_[a-z0-9]+)*\.(cc|h)$/.test(basename(path)) ? ['C++ files are snake_case'] : []),
  ({ path, lines }) => (isCode(path) && lines.length > MAX_FILE_LINES ? [`${lines.length} lines; ${MAX_FILE_LINES} at most`] : []),
  ({ path, lines }) =>
    isCode(path)
      ? lines.flatMap((line, index) => (line.length > MAX_LINE_LENGTH ? [`line ${index + 1} has ${line.length} columns`] : []))
      : [],
  ({ path, text }) =>
    /\.(ts|mjs)$/.test(path) && /\b(it|test|describe)\.(only|todo)\b/.test(text) && !path.endsWith('tidy.mjs')
      ? ['a test that keeps others from running, or is none']
      : [],
  ({ path, text }) => (isCode(path) && /(\/\/|\*) *(TO\u0044O|FIX\u004dE|X\u0058X)\b/.test(text) ? ['unfinished by its own words'] : []),
  ({ path, text }) =>
    path.includes('/native/') &&
    /^#include <napi\.h>|^#include <node_api\.h>/m.test(text) &&
    /\b(sendmsg|sendmmsg|recvmmsg|epoll_ctl)\(/.test(text)
      ? ['a binding that makes a system call']
      : [],
]

export function tidy(root) {
  const findings = []
  for (const path of trackedFiles(root)) {
    if (!isCode(path)) continue
    let text
    try {
      text = readFileSync(join(root, path), 'utf8')
    } catch {
      continue // Deleted in the work tree.
    }
    const lines = text.replace(/\n$/, '').split('\n')
    for (const rule of rules) for (const finding of rule({ path, text, lines })) findings.push(`${path}: ${finding}`)
  }
  return findings
}
