// Dead links of a built site: every relative link and picture leads to a file of it, every anchor to an element.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

const decoded = (text) => decodeURIComponent(text.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"'))

/** @returns one sentence for each dead link of the pages in a folder */
export function deadSiteLinks(folder) {
  const pages = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.html'))
  const texts = new Map(pages.map((page) => [page, readFileSync(join(folder, page), 'utf8')]))
  const anchors = new Map(
    [...texts].map(([page, text]) => [page, new Set([...text.matchAll(/ id="([^"]*)"/g)].map(([, id]) => decoded(id)))]),
  )
  return [...texts].flatMap(([page, text]) =>
    [...new Set([...text.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link]) => link))]
      .filter((link) => {
        if (/^[a-z][a-z0-9+.-]*:/i.test(link)) return false
        const [target = '', anchor] = decoded(link).split('#')
        const file = target === '' ? page : relative(folder, resolve(folder, dirname(page), target.split('?')[0]))
        if (!existsSync(join(folder, file))) return true
        return anchor !== undefined && anchor !== '' && anchors.has(file) && !anchors.get(file).has(anchor)
      })
      .map((link) => `${page}: dead link ${link}`),
  )
}
