import { domainOf, StanzaError, toBytestreamError } from '../core/index.ts'
import type { QuestionOptions, Session } from '../session/index.ts'
import { buildDiscoInfoRequest, buildDiscoItemsRequest, parseDiscoInfo, parseDiscoItems } from '../xep/index.ts'

/** Items of a server that are asked. */
const ITEMS_MAX = 50
/** Milliseconds for each of them, as one that is not there holds up the search. */
const ANSWER_MS_MAX = 10_000

/**
 * Finds the items of the account's server that are publish-subscribe services, in its order.
 *
 * @throws StanzaError as the server answered; BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED`
 * @see XEP-0060 §5.1
 */
export async function findPubsubServices(session: Session, options: QuestionOptions = {}): Promise<string[]> {
  const asked = { answerMsMax: ANSWER_MS_MAX, ...options }
  const answer = await session.request({ type: 'get', to: domainOf(session.jid), payload: buildDiscoItemsRequest() }, asked)
  const items = answer ? parseDiscoItems(answer).filter(({ node }) => node === undefined) : []
  const jids = [...new Set(items.slice(0, ITEMS_MAX).map(({ jid }) => jid))]
  const isService = async (jid: string): Promise<boolean> => {
    try {
      return await isPubsubService(session, jid, asked)
    } catch (thrown) {
      // What does not answer is none that could be used.
      if (toBytestreamError(thrown).code === 'ERR_TIMEOUT') return false
      throw thrown
    }
  }
  const answers = await Promise.all(jids.map(isService))
  return jids.filter((_, index) => answers[index])
}

/** Whether a JID says that it is a publish-subscribe service. @throws BytestreamError `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED` */
export async function isPubsubService(session: Session, jid: string, options: QuestionOptions = {}): Promise<boolean> {
  try {
    const info = await session.request({ type: 'get', to: jid, payload: buildDiscoInfoRequest() }, options)
    const { identities } = info ? parseDiscoInfo(info) : { identities: [] }
    return identities.some(({ category, type }) => category === 'pubsub' && type === 'service')
  } catch (thrown) {
    if (thrown instanceof StanzaError) return false
    throw thrown
  }
}
