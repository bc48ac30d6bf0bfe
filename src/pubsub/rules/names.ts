import { BytestreamError, bareJid, parseJid, prepareJid } from '../../core/index.ts'

/** What preparing leaves as it is: the accounts of most. Shorter than any part may be, so that no length has to be looked at. */
const PREPARED = /^(?:[a-z0-9._-]{1,256}@)?[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63}){0,9}$/

/** What a resource may be made of and prepares to itself. */
const PLAIN = /^[\x20-\x7e]+$/

/** The bare JID of whoever a server names; prepared, as some servers do not. */
export function accountOf(jid: string): string {
  const bare = bareJid(jid)
  return PREPARED.test(bare) ? bare : prepareJid(bare)
}

/**
 * XEP-0060 §4.6: a NodeID is what a resource can be. One that looks like another, but for its form, is none.
 *
 * @throws BytestreamError `ERR_NOT_ACCEPTABLE`
 */
export function checkNodeName(name: string, bytesMax: number): void {
  if (Buffer.byteLength(name) > bytesMax)
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', `the name of a node has at most ${bytesMax} octets`)
  if (PLAIN.test(name)) return
  let prepared: string | undefined
  try {
    prepared = parseJid(`node.invalid/${name}`).resource
  } catch (cause) {
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', 'a node cannot have that name', { cause })
  }
  if (prepared !== name)
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', `a node cannot have that name, but for its prepared form: "${prepared}"`)
}

/** @throws BytestreamError `ERR_NOT_ACCEPTABLE` */
export function checkItemId(id: string, bytesMax: number): void {
  if (id === '' || Buffer.byteLength(id) > bytesMax) {
    throw new BytestreamError('ERR_NOT_ACCEPTABLE', `the id of an item has 1 to ${bytesMax} octets`)
  }
}

/**
 * The JID somebody wants to be subscribed as: one of his own (XEP-0060 §6.1.3.1).
 *
 * @returns it, prepared
 * @throws BytestreamError `code` for a JID of somebody else, `ERR_PUBSUB_INVALID_JID` for what is none
 */
export function ownJid(asker: string, jid: string, code: 'ERR_PUBSUB_INVALID_JID' | 'ERR_FORBIDDEN'): string {
  const prepared = jid === asker || jid === bareJid(asker) ? preparedAs(jid) : anyJid(jid)
  if (bareJid(prepared) !== accountOf(asker)) throw new BytestreamError(code, `${jid.slice(0, 100)} is not who asks`)
  return prepared
}

/** @throws BytestreamError `ERR_PUBSUB_INVALID_JID` */
export function anyJid(jid: string): string {
  try {
    return preparedAs(jid)
  } catch (cause) {
    throw new BytestreamError('ERR_PUBSUB_INVALID_JID', `"${jid.slice(0, 100)}" is no JID`, { cause })
  }
}

/** Parts those changes of a list that are for a JID, which is prepared, from those that are for none. */
export function byJids<Change extends { readonly jid: string }>(changes: readonly Change[]) {
  const meant: Change[] = []
  const malformed: Change[] = []
  for (const change of changes) {
    try {
      meant.push({ ...change, jid: anyJid(change.jid) })
    } catch {
      malformed.push(change) // ERR_PUBSUB_INVALID_JID is the only reason.
    }
  }
  return { meant, malformed }
}

const preparedAs = (jid: string) => (PREPARED.test(jid) ? jid : prepareJid(jid))
