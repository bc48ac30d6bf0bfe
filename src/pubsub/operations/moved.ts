import { BytestreamError } from '../../core/index.ts'
import type { Core } from '../core.ts'
import type { NodeRecord } from '../records.ts'

/**
 * Remembers for a while where a node is that is about to be deleted. Where that are too many, of one creator or in all, the one
 * that is to be forgotten first is forgotten now.
 *
 * @throws BytestreamError `ERR_NOT_ACCEPTABLE` for a URI that is too long
 */
export function rememberMove({ store, limits, now }: Core, { name, creator }: NodeRecord, uri: string): void {
  if (Buffer.byteLength(uri) > limits.textBytesMax) {
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', `where a node has moved is said in at most ${limits.textBytesMax} octets`)
  }
  store.putMoved({ name, uri, creator, expiresMs: now() + limits.movedMsMax })
  if (store.countMovedOf(creator) > limits.movedNodesPerAccountMax) forget(store.dueMovedOf(creator, 1))
  if (store.countMoved() > limits.movedNodesMax) forget(store.dueMoved(Number.MAX_SAFE_INTEGER, 1))

  function forget(moved: readonly { readonly name: string }[]): void {
    for (const each of moved) store.removeMoved(each.name)
  }
}
