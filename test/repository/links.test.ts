// Goal: whoever follows a link from one page of the documentation to another arrives. Method: each relative link of each
// Markdown file is resolved; where it names a heading, the page has it.

import { posix } from 'node:path'
import test from 'ava'
import { readRepositoryFile, repositoryFiles } from '../helpers/repository-files.ts'

const LINK = /\[[^\]]*\]\(([^)\s]+)\)/g

/** How a heading is addressed on the usual hosts of repositories. */
const slugOf = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(/\s/g, '-')

const headingsOf = (page: string) => [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => slugOf(heading ?? ''))

/** @returns the links of a page that lead nowhere */
function broken(path: string, files: readonly string[]): string[] {
  const links = [...readRepositoryFile(path).matchAll(LINK)].map(([, link]) => link ?? '').filter((link) => !/^[a-z]+:/.test(link))
  return links.filter((link) => {
    const [file = '', heading] = link.split('#')
    const target = file === '' ? path : posix.join(posix.dirname(path), file).replace(/\/$/, '')
    if (!files.some((known) => known === target || known.startsWith(`${target}/`))) return true
    return heading !== undefined && !headingsOf(readRepositoryFile(target)).includes(heading)
  })
}

test('every link from page to page leads somewhere', (t) => {
  const files = repositoryFiles()
  const pages = files.filter((path) => path.endsWith('.md'))
  t.true(pages.length > 5)
  for (const page of pages) t.deepEqual(broken(page, files), [], page)
})

test('a heading is addressed in lower case, without punctuation', (t) => {
  t.deepEqual(headingsOf('# `streamhost check`\n## 1. Install it, now'), ['streamhost-check', '1-install-it-now'])
})
