// `pnpm site`: the documents and the API reference, which is made from the docstrings, as one static site in site/. Fails where a link leads nowhere.
//   FOLDER   puts it there instead
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { Application, Converter, KindRouter, ReflectionKind } from 'typedoc'
import { deadSiteLinks } from './site-links.mjs'

const root = resolve(import.meta.dirname, '..')
const out = resolve(process.argv[2] ?? join(root, 'site'))

const markdown = (folder) =>
  readdirSync(join(root, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => join(folder, name))

/** The documents of a folder in the order of its list. @throws Error where the list lacks one */
function listed(folder) {
  const list = readFileSync(join(root, folder, 'README.md'), 'utf8')
  const names = [...list.matchAll(/^- \[.+\]\((\S+\.md)\)$/gm)].map(([, name]) => join(folder, name))
  const lost = markdown(folder).filter((path) => !path.endsWith('README.md') && !names.includes(path))
  if (lost.length > 0) throw new Error(`${folder}/README.md does not list ${lost.join()}`)
  return names
}

/** The documents by the heading that they stand under, in the order of the navigation. */
const GROUPS = {
  Guides: ['docs/guides/README.md', ...listed('docs/guides')],
  'Figures and reference': markdown('docs'),
  'How it is built': ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'vm/README.md', 'kernel/README.md'],
  Decisions: ['docs/decisions/README.md', ...listed('docs/decisions')],
}
/** The modules of the reference, by what a program imports. */
const MODULES = {
  'packages/sendzc/src/index.ts': 'sendzc',
  'packages/core/src/entries/driver.ts': '@sendzc/core/driver',
  'packages/core/src/entries/testing.ts': '@sendzc/core/testing',
  'packages/core/conformance/index.ts': '@sendzc/core/conformance',
}

/** Where each document stands in the site: its path in the repository, in lower case and without docs/. */
const places = new Map()

class PathRouter extends KindRouter {
  getIdealBaseName(reflection) {
    return places.get(reflection) ?? super.getIdealBaseName(reflection)
  }
}

const app = await Application.bootstrap({
  name: 'sendzc',
  entryPoints: Object.keys(MODULES).map((path) => join(root, path)),
  tsconfig: join(root, 'tsconfig.site.json'),
  readme: join(root, 'README.md'),
  projectDocuments: Object.values(GROUPS)
    .flat()
    .map((path) => join(root, path)),
  out,
  router: 'path',
  sortEntryPoints: false,
  includeVersion: false,
  excludeInternal: true,
  excludePrivate: true,
  disableSources: true,
  githubPages: true,
  navigation: { includeGroups: true, includeCategories: false },
  groupOrder: [...Object.keys(GROUPS), 'Modules', '*'],
  validation: { notExported: false, invalidLink: true, invalidPath: true, rewrittenLink: true, notDocumented: false },
  treatValidationWarningsAsErrors: true,
  highlightLanguages: ['js', 'ts', 'json', 'shellscript', 'sh', 'docker', 'c'],
  // A name such as README.md is no address.
  markdownItOptions: { html: true, linkify: false },
  logLevel: 'Warn',
})
const groupOf = new Map(Object.entries(GROUPS).flatMap(([group, paths]) => paths.map((path) => [join(root, path), group])))

app.renderer.defineRouter('path', PathRouter)

/** A document's first heading, which its page has and its name does not. */
const titleOf = ({ content }) =>
  content
    .map(({ text }) => text)
    .join('')
    .match(/^# (.+)$/m)?.[1]
    .replaceAll('`', '')

app.converter.on(Converter.EVENT_CREATE_DOCUMENT, (_context, document) => {
  document.frontmatter.group = groupOf.get(join(root, `${document.name}.md`))
  places.set(document, document.name.replace(/^docs\//, '').toLowerCase())
  document.name = titleOf(document)
})
app.converter.on(Converter.EVENT_RESOLVE_BEGIN, ({ project }) => {
  // The page has the project's name above it.
  project.readme[0].text = project.readme[0].text.replace(/^# .+\n/, '')
  for (const module of project.getChildrenByKind(ReflectionKind.Module)) {
    module.name = MODULES[`packages/${module.name}/index.ts`] ?? MODULES[`packages/${module.name}.ts`]
  }
})
const project = await app.convert()
if (project === undefined) process.exit(1)
app.validate(project)
await app.generateOutputs(project)
const dead = deadSiteLinks(out)
for (const link of dead) console.error(link)
if (app.logger.hasErrors() || app.logger.hasWarnings() || dead.length > 0) process.exit(1)
console.log(`sendzc: the site is ${join(out, 'index.html')}`)
