import { BytestreamError, UnsupportedFeature } from '../../core/index.ts'
import type { ItemsPage } from '../../pubsub/index.ts'
import type { Page, PageRequest } from '../../xep/index.ts'

/** What comes behind a place of a list that is read forwards. */
export interface Forward {
  readonly after: string | undefined
  readonly max: number | undefined
}

/** @throws UnsupportedFeature for a page from the end, or from a position: such lists have no numbers (XEP-0059 §2.6) */
export function readForward(request: PageRequest | undefined): Forward {
  if (request?.before !== undefined || request?.index !== undefined) {
    throw new UnsupportedFeature('rsm', 'this list is read from the beginning: ask for what comes after an entry')
  }
  return { after: request?.after, max: request?.max }
}

/** The number of the entry a page is behind. @throws BytestreamError `ERR_ITEM_NOT_FOUND` (XEP-0059 §2.4) */
export function placeOf(after: string | undefined): number | undefined {
  if (after === undefined) return undefined
  if (!/^\d{1,15}$/.test(after)) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such place in this list')
  return Number(after)
}

/** Says which part of a list this is: where a part was asked for, and where there is more of it. */
export function forwardPage<Entry>(
  found: readonly Entry[],
  request: PageRequest | undefined,
  { pageMax, idOf, last, count }: { pageMax: number; idOf: (entry: Entry) => string; last?: string | undefined; count?: number },
): Page | undefined {
  const [first] = found
  if (!request && found.length < pageMax && (count ?? 0) <= found.length) return undefined
  const end = found.at(-1)
  return { first: first && idOf(first), last: last ?? (end && idOf(end)), count }
}

/** XEP-0060 §6.5.4: of items, where they are not all that were asked for. */
export function itemsPage(
  { items, count, firstIndex }: ItemsPage,
  request: PageRequest | undefined,
  max: number | undefined,
): Page | undefined {
  if (!request && items.length >= Math.min(count, max ?? count)) return undefined
  const [first] = items
  return { first: first?.id, last: items.at(-1)?.id, ...(first && { index: firstIndex }), count }
}

/** Only what is set. */
export function asPart<Place>(after: Place | undefined, max: number | undefined): { readonly after?: Place; readonly max?: number } {
  return { ...(after !== undefined && { after }), ...(max !== undefined && { max }) }
}
