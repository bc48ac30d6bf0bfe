import { BytestreamError, StanzaError } from '../core/index.ts'
import type { QuestionOptions } from '../session/index.ts'
import type { DataForm } from '../xep/index.ts'
import type { Feed } from './feed-address.ts'

/**
 * Contacts are told of what is announced at the node of the account itself (XEP-0163), and may have it if they may see the feed: they all
 * may where that is open.
 *
 * @throws BytestreamError `ERR_CONFIG` where it is not, or its service does not say so; `ERR_TIMEOUT`, `ERR_SESSION_CLOSED`, `ERR_ABORTED`
 */
export async function checkIsOpen(feed: Feed, options: QuestionOptions): Promise<void> {
  const model = await accessModelOf(feed, options)
  if (model === 'open') return
  const why = model === undefined ? 'its service does not say that it is open' : `its access model is ${model}`
  throw new BytestreamError('ERR_CONFIG', `not all contacts would get what is announced on ${feed.node} (${why}): say whom the file is for`)
}

/** Of a feed, or of one that is created. */
async function accessModelOf({ pubsub, node }: Feed, options: QuestionOptions): Promise<string | undefined> {
  try {
    const { forms = [] } = await pubsub.describe(node, options)
    return modelIn(forms) ?? modelIn([await pubsub.config(node, options)])
  } catch (thrown) {
    if (!(thrown instanceof StanzaError)) throw thrown
    if (thrown.condition !== 'item-not-found') return undefined
  }
  try {
    return modelIn([await pubsub.defaultConfig('leaf', options)])
  } catch (thrown) {
    if (thrown instanceof StanzaError) return undefined
    throw thrown
  }
}

const modelIn = (forms: readonly DataForm[]) =>
  forms.flatMap(({ fields }) => fields).find((field) => field.var === 'pubsub#access_model')?.values[0]
