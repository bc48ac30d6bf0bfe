import { BytestreamError } from '../../core/index.ts'
import type { FieldChanges, PubsubClient } from '../../pubsub-client/index.ts'
import type { PubsubEvent } from '../../xep/index.ts'
import type { Run } from '../command-line.ts'
import type { Output } from '../output.ts'
import { itemFacts, payloadText } from './pubsub-lines.ts'

/** Milliseconds to unsubscribe in, as somebody waits for the program to end. */
const UNSUBSCRIBE_MS_MAX = 5_000

/**
 * Subscribes this program, tells what happens, and unsubscribes when the user has seen enough, or the node is gone.
 *
 * @param settings options of the subscription
 */
export async function watch(
  service: PubsubClient,
  node: string,
  settings: FieldChanges | undefined,
  { output, signal }: Run,
): Promise<void> {
  const jid = service.address
  const events = service.events({ node, signal })
  const subscription = await service.subscribe(node, { jid, settings, signal })
  const { state, subid } = subscription
  const waits = state === 'pending' ? ', once its owner lets us' : ''
  output.tell('subscribed', subscription, `watching ${node} at ${service.service}${waits}; Ctrl-C ends it`)
  let isGone = false
  try {
    for await (const { event } of events) {
      tellEvent(output, event)
      isGone = event.kind === 'delete'
      if (isGone) break
    }
  } catch (thrown) {
    if (!signal.aborted) throw thrown
  } finally {
    if (!isGone) await leave(service, node, { jid, subid })
  }
}

/** A service that does not hear of it stops by itself, when the address is gone. */
async function leave(service: PubsubClient, node: string, { jid, subid }: { jid: string; subid: string | undefined }): Promise<void> {
  try {
    await service.unsubscribe(node, { jid, subid, answerMsMax: UNSUBSCRIBE_MS_MAX })
  } catch (thrown) {
    if (!(thrown instanceof BytestreamError)) throw thrown
  }
}

function tellEvent(output: Output, event: PubsubEvent): void {
  const line = (node: string | undefined, text: string) => ({ text: `${node}  ${text}`, indent: 2 })
  switch (event.kind) {
    case 'items':
      for (const id of event.retracted) output.tell('retracted', { node: event.node, id }, line(event.node, `retracted ${id}`))
      for (const item of event.items) {
        const what = [item.id ?? 'item', payloadText(item)].filter((part) => part !== '').join('  ')
        output.tell('item', { node: event.node, ...itemFacts(item) }, line(event.node, what))
      }
      return
    case 'configuration':
      return output.tell('configured', { node: event.node }, line(event.node, 'configured anew'))
    case 'delete':
      return output.tell(
        'deleted',
        { node: event.node, redirect: event.redirect },
        line(event.node, event.redirect ? `deleted; it is now at ${event.redirect}` : 'deleted'),
      )
    case 'purge':
      return output.tell('purged', { node: event.node }, line(event.node, 'all items retracted'))
    case 'subscription': {
      const { node, jid, state } = event.subscription
      return output.tell('subscription', event.subscription, line(node, `subscription of ${jid}: ${state}`))
    }
    case 'collection': {
      const { node, change, child } = event
      const isIn = change === 'associate'
      const text = isIn ? `has ${child} now` : `no longer has ${child}`
      return output.tell(isIn ? 'associated' : 'disassociated', { node, child }, line(node, text))
    }
  }
}
