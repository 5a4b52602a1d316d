import { quoteWord } from './shell-quote.js'

/** The step that installs and compiles; it has run on the host, and the guest has no network for it. */
const preparation = /^node scripts\/prepare-build\.mjs\s*(?:&&\s*)?/

/**
 * Text of a shell script that stands for `pnpm` and `npx pnpm@...` in the guest: it runs the root package's
 * scripts without a package manager, without a network and without another start of Node.js.
 *
 * @param scripts of the root package.json
 * @param checkout where they run
 */
export function packageManagerScript(scripts: Readonly<Record<string, string>>, checkout: string): string {
  const cases = Object.entries(scripts).map(([name, command]) => {
    const body = command.replace(preparation, '')
    // Without a command of its own, such a script is the preparation alone: done.
    const action = body === '' ? 'exit 0' : `exec /bin/sh -c ${quoteWord(`${body} "$@"`)} ${quoteWord(name)} "$@"`
    return `  ${quoteWord(name)}) ${action} ;;`
  })
  return `#!/bin/sh
# Made by the harness from package.json: the guest has no network and no package manager.
if [ "\${0##*/}" = npx ]; then
  while [ "$1" = -y ] || [ "$1" = --yes ]; do shift; done
  case "$1" in
  pnpm | pnpm@*) shift ;;
  *) set -- exec "$@" ;;
  esac
fi
while [ "$1" = -s ] || [ "$1" = --silent ]; do shift; done
cd ${quoteWord(checkout)} || exit 125
export PATH=${quoteWord(`${checkout}/node_modules/.bin`)}:"$PATH"
case "$1" in
exec) shift; [ "$1" != -- ] || shift; exec "$@" ;;
run) shift ;;
esac
name=$1
[ $# -eq 0 ] || shift
export npm_lifecycle_event="$name"
case "$name" in
${cases.join('\n')}
esac
echo "pnpm in the guest knows the scripts of the root package.json and exec, not: $name $*" >&2
exit 125
`
}
