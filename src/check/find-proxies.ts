import { domainOf, toBytestreamError, tryPrepareJid } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import { buildDiscoInfoRequest, buildDiscoItemsRequest, NS, parseDiscoInfo, parseDiscoItems } from '../xep/index.ts'
import { defaultCheckTimings } from './timings.ts'

/** Items of a server that are asked. */
const ITEMS_MAX = 50

/**
 * Finds every item of the account's server that says it is a bytestream proxy, those included that the account may not
 * use: other than a client, a check is about them too.
 *
 * @throws StanzaError as the server answered; BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED`
 * @see XEP-0065 §4
 */
export async function findProxies(
  session: Session,
  { answerMsMax = defaultCheckTimings.answerMsMax, signal }: { answerMsMax?: number; signal?: AbortSignal | undefined } = {},
): Promise<string[]> {
  const options = { answerMsMax, signal }
  const answer = await session.request({ type: 'get', to: domainOf(session.jid), payload: buildDiscoItemsRequest() }, options)
  const items = answer ? parseDiscoItems(answer).filter(({ node }) => node === undefined) : []
  const isProxy = async (jid: string): Promise<boolean> => {
    try {
      const info = await session.request({ type: 'get', to: jid, payload: buildDiscoInfoRequest() }, options)
      const { identities, features } = info ? parseDiscoInfo(info) : { identities: [], features: [] }
      return identities.some(({ category, type }) => category === 'proxy' && type === 'bytestreams') || features.includes(NS.bytestreams)
    } catch (thrown) {
      const error = toBytestreamError(thrown)
      if (error.code === 'ERR_STANZA' || error.code === 'ERR_TIMEOUT') return false
      throw error
    }
  }
  const jids = [...new Set(items.slice(0, ITEMS_MAX).map(({ jid }) => tryPrepareJid(jid)))]
  const answers = await Promise.all(jids.map(isProxy))
  return jids.filter((_, index) => answers[index])
}
