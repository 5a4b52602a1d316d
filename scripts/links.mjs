// Dead links in the documents: a relative link or picture must lead to a file, its anchor to a heading, and a path in a code span to a file.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

/** The folders of the repository; a code span that begins with one of them and names a file is a path. */
const PATH_SPAN = /^(?:\.ci|docs|examples|kernel|packages|scripts|vm)\/[\w./-]+\.\w+$/

/** Blanks the code blocks, in which no link and no heading stands. Line breaks stay. */
const withoutBlocks = (text) => text.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, (block) => block.replaceAll(/[^\n]/g, ''))

/** The anchor that GitHub gives a heading: lower case, without marks, spaces as hyphens. */
export function anchorOf(heading) {
  const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')
  return plain
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
    .replaceAll(/\s/g, '-')
}

/** Every anchor of a document; a heading that stands there twice gets a number. */
export function anchorsOf(text) {
  const seen = new Map()
  return new Set(
    [...withoutBlocks(text).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => {
      const anchor = anchorOf(heading)
      const before = seen.get(anchor) ?? 0
      seen.set(anchor, before + 1)
      return before === 0 ? anchor : `${anchor}-${before}`
    }),
  )
}

/** Every link of a document: of its text, and the sources of its pictures. */
export function linksOf(text) {
  const plain = withoutBlocks(text)
  const inline = [...plain.replaceAll(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)]
  return [...inline, ...plain.matchAll(/<img src="([^"]+)"/g)].map(([, target]) => target)
}

/** @returns one sentence for each dead link of the documents at `paths`, which are relative to `root` */
export function deadLinks(root, paths) {
  const read = (path) => readFileSync(join(root, path), 'utf8')
  return paths.flatMap((path) => {
    const text = read(path)
    const dead = linksOf(text).filter((link) => {
      if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return false
      const [target, anchor] = link.split('#')
      const file = target === '' ? path : relative(root, resolve(root, dirname(path), target))
      if (!existsSync(join(root, file))) return true
      return anchor !== undefined && file.endsWith('.md') && !anchorsOf(read(file)).has(anchor)
    })
    const spans = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, span]) => span)
    const lost = spans.filter((span) => PATH_SPAN.test(span) && !existsSync(join(root, span)))
    return [...dead.map((link) => `${path}: dead link ${link}`), ...lost.map((span) => `${path}: there is no ${span}`)]
  })
}
