import { BytestreamError } from '../../core/index.ts'
import { type SubscriptionRecord, subidOf } from '../records.ts'

/**
 * The one subscription meant, of those a JID has at a node (XEP-0060 §6.2.3, §6.3.4): there is no need to name the only one.
 *
 * @throws BytestreamError `ERR_PUBSUB_NOT_SUBSCRIBED`, `ERR_PUBSUB_SUBID_REQUIRED`, `ERR_PUBSUB_INVALID_SUBID`
 */
export function chooseSubscription(subscriptions: readonly SubscriptionRecord[], subid: string | undefined): SubscriptionRecord {
  const [first, second] = subscriptions
  if (first === undefined) throw new BytestreamError('ERR_PUBSUB_NOT_SUBSCRIBED', 'there is no such subscription')
  if (subid === undefined) {
    if (second) throw new BytestreamError('ERR_PUBSUB_SUBID_REQUIRED', 'there are several subscriptions: which one?')
    return first
  }
  const named = subscriptions.find((each) => subidOf(each) === subid)
  if (!named) throw new BytestreamError('ERR_PUBSUB_INVALID_SUBID', 'there is no subscription of that id')
  return named
}
