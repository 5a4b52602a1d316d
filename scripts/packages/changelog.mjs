// CHANGELOG.md: a section for each version, made of the subjects of its commits.

const HEAD = `# Changelog

Versions are semantic. What stays within a major version: the error codes (\`ERR_ZC_*\`) and their meaning, the names and options of what \`sendzc\` and
\`@sendzc/core\` export, and the driver interface (\`@sendzc/core/driver\`, whose
\`DRIVER_INTERFACE_VERSION\` rises with each change that a backend must follow). What may change with any version: messages and remedies, what \`doctor\`
prints, the entry \`@sendzc/core/testing\`, the cases of the conformance suite, and everything of the laboratory. Before 1.0.0 a minor version may change
what is stable, and says so here.
`

/**
 * @param old - the text of CHANGELOG.md; may be empty
 * @param git - runs git and answers with what it prints
 * @returns the new text, and the section of the version, which replaces one that was there
 */
export function changelogWith(old, version, git) {
  const tags = git('tag', '--list', 'v*', '--sort=-creatordate', '--merged', 'HEAD').split('\n').filter(Boolean)
  const since = tags.find((tag) => tag !== `v${version}`)
  const subjects = git('log', '--format=%s', '--no-merges', since === undefined ? 'HEAD' : `${since}..HEAD`)
  const date = git('log', '-1', '--format=%cs')
  const changes = since === undefined ? 'The first release.\n' : `${subjects.replaceAll(/^/gm, '- ')}\n`
  const section = `## ${version} (${date})\n\n${changes}`
  const sections = old.split(/^(?=## )/m).filter((part) => part.startsWith('## ') && !part.startsWith(`## ${version} `))
  return { text: [HEAD, section, ...sections.map((part) => `${part.trimEnd()}\n`)].join('\n'), section }
}
