// Prints the full path of liburing.a, for binding.gyp: a static library named in full is never mistaken for the shared one.
const { execFileSync } = require('node:child_process')
const { existsSync } = require('node:fs')
const { isAbsolute, join } = require('node:path')

function output(command, args) {
  try {
    return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return ''
  }
}

const candidates = [
  join(output('pkg-config', ['--variable=libdir', 'liburing']), 'liburing.a'),
  // The compiler answers with the bare name where it finds none.
  output(process.env.CC || 'cc', ['-print-file-name=liburing.a']),
  output('gcc', ['-print-file-name=liburing.a']),
]
const found = candidates.find((path) => isAbsolute(path) && existsSync(path))
if (found === undefined) {
  console.error('liburing.a was not found: install liburing-dev (Debian, Ubuntu) or liburing-devel (Fedora), 2.3 or newer')
  process.exit(1)
}
console.log(found)
