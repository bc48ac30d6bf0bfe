import type { Page, PageRequest } from '../xep/index.ts'

/** How a long list is asked for. */
export interface PagesInit {
  /** How many at once. Default 100. */
  readonly pageSize?: number | undefined
}

/** Asks for one page; for everything, where none is named. */
export type AskForPage<Entry> = (
  page: PageRequest | undefined,
) => Promise<{ readonly entries: readonly Entry[]; readonly page?: Page | undefined }>

const PAGE_ENTRIES_MAX = 100

/**
 * Asks for one page after the other (XEP-0059 §2.2), the next one when the caller is done with the last.
 *
 * @param isPaged whether the service knows pages; all comes at once where it does not, or has ignored the question
 */
export async function* walkPages<Entry>(
  ask: AskForPage<Entry>,
  isPaged: boolean,
  { pageSize = PAGE_ENTRIES_MAX, after }: PagesInit & { readonly after?: string | undefined } = {},
): AsyncGenerator<Entry, void, undefined> {
  let last = after
  for (;;) {
    const { entries, page } = await ask(isPaged ? { max: pageSize, after: last } : undefined)
    yield* entries
    if (!page || page.last === undefined || page.last === last || isEnd(page, entries.length)) return
    last = page.last
  }
}

function isEnd({ index, count }: Page, entries: number): boolean {
  return entries === 0 || (index !== undefined && count !== undefined && index + entries >= count)
}
