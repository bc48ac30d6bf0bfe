import type { Command } from 'commander'
import { BytestreamError, prepareJid } from '../../core/index.ts'
import type { PubsubAffiliation, PubsubSubscription, PubsubSubscriptionState } from '../../xep/index.ts'
import { addExamples, addListOption, type Start } from '../command-line.ts'
import type { Output } from '../output.ts'
import { addServiceOptions, addSet, changesOf, onService, splitPair } from './pubsub-command.ts'
import { tableLines } from './pubsub-lines.ts'
import { watch } from './pubsub-watch.ts'

/** `streamhost pubsub subscribe NODE`. */
export function addSubscribe(pubsub: Command, start: Start): void {
  const subscribe = pubsub
    .command('subscribe')
    .argument('<node>', 'to which')
    .description('subscribe to a node')
    .option('--jid <JID>', 'who is told (default: the account, on all its devices; with --watch this program alone)')
    .option('--watch', 'tell what happens, a line each, and unsubscribe in the end: at Ctrl-C')
  addServiceOptions(addSet(subscribe, 'an option of the subscription, such as digest=true'))
  addExamples(
    subscribe,
    'streamhost pubsub subscribe news --account you@example.org --password-file pw',
    'streamhost pubsub subscribe builds --watch --json --account you@example.org',
  )
  subscribe.action((node: string) =>
    onService(start, subscribe, (run) => {
      const { jid: given, watch: isWatching = false } = subscribe.opts<{ jid?: string; watch?: boolean }>()
      const settings = changesOf(subscribe)
      const jid = given === undefined ? undefined : prepareJid(given)
      if (isWatching && jid !== undefined) throw new BytestreamError('ERR_CONFIG', '--watch is for this program alone: leave --jid out')
      return async (service) => {
        if (isWatching) return await watch(service, node, settings, run)
        tellSubscribed(run.output, await service.subscribe(node, { jid, settings, signal: run.signal }))
      }
    }),
  )
}

function tellSubscribed(output: Output, subscription: PubsubSubscription): void {
  const { node, jid, state, subid, options } = subscription
  const named = subid === undefined ? '' : `, subscription ${subid}`
  const text = state === 'pending' ? `${jid} waits for the owner of ${node}${named}` : `${jid} is subscribed to ${node}${named}`
  const more = options === 'required' ? ['it has to be configured before anything is told: "streamhost pubsub options"'] : []
  output.tell('subscribed', subscription, text, ...more)
}

/** `streamhost pubsub unsubscribe NODE`. */
export function addUnsubscribe(pubsub: Command, start: Start): void {
  const unsubscribe = addSubscriber(pubsub.command('unsubscribe').argument('<node>', 'from which').description('end a subscription'))
  addExamples(unsubscribe, 'streamhost pubsub unsubscribe news --account you@example.org \\', '  --password-file pw')
  unsubscribe.action((node: string) =>
    onService(start, unsubscribe, ({ output, signal }) => {
      const subscriber = subscriberOf(unsubscribe)
      return async (service) => {
        await service.unsubscribe(node, { ...subscriber, signal })
        const { jid = service.account, subid } = subscriber
        output.tell('unsubscribed', { node, jid, subid }, `${jid} is no longer subscribed to ${node}`)
      }
    }),
  )
}

/** Which subscription: adds what says so. */
export function addSubscriber(command: Command): Command {
  command.option('--jid <JID>', 'whose (default: of the account)').option('--subid <ID>', 'which, where there are several')
  return addServiceOptions(command)
}

export function subscriberOf(command: Command): { readonly jid: string | undefined; readonly subid: string | undefined } {
  const { jid, subid } = command.opts<{ jid?: string; subid?: string }>()
  return { jid: jid === undefined ? undefined : prepareJid(jid), subid }
}

/** What a list is about, and what it is told to become. */
interface ListOptions {
  readonly ofNode?: boolean
  readonly set?: readonly string[]
}

/** Of the longest state, and of the longest affiliation. */
const STATE_COLUMNS = 12

const STATES = ['subscribed', 'none'] as const satisfies readonly PubsubSubscriptionState[]

/** `streamhost pubsub subscriptions [NODE]`. */
export function addSubscriptions(pubsub: Command, start: Start): void {
  const subscriptions = pubsub
    .command('subscriptions')
    .argument('[node]', 'to which (default: any)')
    .description("tell the account's subscriptions, or as the owner of a node everybody's")
    .option('--of-node', "everybody's")
  addListOption(
    subscriptions,
    '--set <JID=STATE>',
    `as the owner: ${STATES.join(', ')}; subscribed approves one that waits for you; repeatable`,
  )
  addServiceOptions(subscriptions)
  addExamples(
    subscriptions,
    'streamhost pubsub subscriptions --account you@example.org --password-file pw',
    'streamhost pubsub subscriptions builds --set them@example.org=subscribed \\',
    '  --account you@example.org --password-file pw',
  )
  subscriptions.action((node: string | undefined) =>
    onService(start, subscriptions, ({ output, signal }) => {
      const { ofNode = false, set } = subscriptions.opts<ListOptions>()
      const owned = ownedNode(node, { ofNode, ...(set && { set }) })
      const changes = set?.map((text) => changeOf(text, STATES, 'them@example.org=subscribed')) ?? []
      return async (service) => {
        if (owned !== undefined && set !== undefined) {
          const changed = changes.map(([jid, state]) => ({ jid, state }))
          await service.setSubscribers(owned, changed, { signal })
          for (const { jid, state } of changed) output.tell('changed', { node: owned, jid, state }, `${jid} of ${owned}: ${state}`)
          return
        }
        const list = owned === undefined ? service.subscriptions(node, { signal }) : service.subscribers(owned, { signal })
        for await (const each of list) {
          const { jid, state, subid, options, expiry } = each
          const facts = { node: each.node ?? owned, jid, state, subid, options, expiry }
          const row = [state.padEnd(STATE_COLUMNS), ...(owned === undefined ? [each.node ?? ''] : []), jid, subid ?? '']
          output.tell('subscription', facts, ...tableLines(output, [row]))
        }
      }
    }),
  )
}

const AFFILIATIONS = ['owner', 'publisher', 'publish-only', 'member', 'outcast', 'none'] as const satisfies readonly PubsubAffiliation[]

/** `streamhost pubsub affiliations [NODE]`. */
export function addAffiliations(pubsub: Command, start: Start): void {
  const affiliations = pubsub
    .command('affiliations')
    .argument('[node]', 'with which (default: any)')
    .description('tell what the account is to nodes, or as the owner of a node what everybody is to it')
    .option('--of-node', "everybody's")
  addListOption(affiliations, '--set <JID=AFFILIATION>', `as the owner: ${AFFILIATIONS.join(', ')}; repeatable`)
  addServiceOptions(affiliations)
  addExamples(
    affiliations,
    'streamhost pubsub affiliations --account you@example.org --password-file pw',
    'streamhost pubsub affiliations builds --set bot@example.org=publisher \\',
    '  --account you@example.org --password-file pw',
  )
  affiliations.action((node: string | undefined) =>
    onService(start, affiliations, ({ output, signal }) => {
      const { ofNode = false, set } = affiliations.opts<ListOptions>()
      const owned = ownedNode(node, { ofNode, ...(set && { set }) })
      const changes = set?.map((text) => changeOf(text, AFFILIATIONS, 'bot@example.org=publisher')) ?? []
      return async (service) => {
        if (owned !== undefined && set !== undefined) {
          const changed = changes.map(([jid, affiliation]) => ({ jid, affiliation }))
          await service.setAffiliates(owned, changed, { signal })
          for (const { jid, affiliation } of changed) {
            output.tell('changed', { node: owned, jid, affiliation }, `${jid} of ${owned}: ${affiliation}`)
          }
          return
        }
        if (owned === undefined) {
          for await (const each of service.affiliations(node, { signal })) {
            output.tell(
              'affiliation',
              { ...each, jid: service.account },
              ...tableLines(output, [[each.affiliation.padEnd(STATE_COLUMNS), each.node]]),
            )
          }
          return
        }
        for await (const each of service.affiliates(owned, { signal })) {
          output.tell('affiliation', { node: owned, ...each }, ...tableLines(output, [[each.affiliation.padEnd(STATE_COLUMNS), each.jid]]))
        }
      }
    }),
  )
}

/** The node whose owner asks, if one does. */
function ownedNode(node: string | undefined, { ofNode = false, set }: ListOptions): string | undefined {
  if (!ofNode && set === undefined) return undefined
  if (node === undefined) throw new BytestreamError('ERR_CONFIG', `${set === undefined ? '--of-node' : '--set'} is about one node: name it`)
  return node
}

function changeOf<T extends string>(text: string, values: readonly T[], example: string): readonly [jid: string, value: T] {
  const [jid, value] = splitPair(text, '--set', `JID=VALUE, such as ${example}`)
  const known = values.find((each) => each === value)
  if (known === undefined) throw new BytestreamError('ERR_CONFIG', `--set: "${value}" is wrong: expected ${values.join(', ')}`)
  return [prepareJid(jid), known]
}
