import { buildForm, type DataForm, parseForm } from './data-forms.ts'
import { buildDelay, type Delay, parseDelay } from './delay.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'
import { buildItem, buildSubscription, type PubsubItem, type PubsubSubscription, parseItem, parseSubscription } from './pubsub.ts'
import { buildHeaders, type Header, parseHeaders } from './shim.ts'
import { writeValue, writeXml } from './write-xml.ts'

/** What a service tells of a node (XEP-0060 §7.1.2, §7.2.2, §8, §12.14, XEP-0248). */
export type PubsubEvent =
  | {
      readonly kind: 'items'
      readonly node: string
      readonly items: readonly PubsubItem[]
      /** The ids of those that are gone. */
      readonly retracted: readonly string[]
    }
  | { readonly kind: 'configuration'; readonly node: string; readonly config?: DataForm | undefined }
  | { readonly kind: 'delete'; readonly node: string; readonly redirect?: string | undefined }
  | { readonly kind: 'purge'; readonly node: string }
  | { readonly kind: 'subscription'; readonly subscription: PubsubSubscription }
  /** A node became part of a collection, or ceased to be. */
  | { readonly kind: 'collection'; readonly node: string; readonly change: 'associate' | 'disassociate'; readonly child: string }

/**
 * ```xml
 * <event xmlns='http://jabber.org/protocol/pubsub#event'>
 *   <items node='princely_musings'><item id='ae890ac52d0df67ed7cfdf51b644e901'/></items>
 * </event>
 * ```
 * @see XEP-0060 §7.1.2.1
 */
export function buildEvent(event: PubsubEvent): Element {
  return xml('event', { xmlns: NS.pubsubEvent }, buildChange(event))
}

function buildChange(event: PubsubEvent): Element {
  switch (event.kind) {
    case 'items': {
      const retracted = event.retracted.map((id) => buildItem('retract', { id }))
      return xml('items', { node: event.node }, ...retracted, ...event.items.map((item) => buildItem('item', item)))
    }
    case 'configuration':
      return xml('configuration', { node: event.node }, event.config && buildForm(event.config))
    case 'delete':
      return xml('delete', { node: event.node }, event.redirect ? xml('redirect', { uri: event.redirect }) : undefined)
    case 'purge':
      return xml('purge', { node: event.node })
    case 'subscription':
      return buildSubscription(event.subscription)
    case 'collection':
      return xml('collection', { node: event.node }, xml(event.change, { node: event.child }))
  }
}

/** @returns `undefined` for an event that tells nothing this protocol knows */
export function parseEvent(event: Element): PubsubEvent | undefined {
  const change = event.getChildElements().find((child) => child.getNS() === NS.pubsubEvent)
  return change && parseChange(change)
}

function parseChange(change: Element): PubsubEvent | undefined {
  const node = attribute(change, 'node') ?? ''
  const child = (name: string) => change.getChild(name, NS.pubsubEvent)
  switch (change.getName()) {
    case 'items': {
      const retracted = change.getChildren('retract', NS.pubsubEvent).flatMap((retract) => attribute(retract, 'id') || [])
      return { kind: 'items', node, items: change.getChildren('item', NS.pubsubEvent).map(parseItem), retracted }
    }
    case 'configuration': {
      const form = change.getChild('x', NS.dataForms)
      return { kind: 'configuration', node, config: form && parseForm(form) }
    }
    case 'delete': {
      const redirect = child('redirect')
      return { kind: 'delete', node, redirect: redirect && attribute(redirect, 'uri') }
    }
    case 'purge':
      return { kind: 'purge', node }
    case 'subscription': {
      const subscription = parseSubscription(change)
      return subscription && { kind: 'subscription', subscription }
    }
    case 'collection': {
      const which = (['associate', 'disassociate'] as const).find((name) => child(name))
      const named = which && child(which)
      return which && named && { kind: 'collection', node, change: which, child: attribute(named, 'node') ?? '' }
    }
    default:
      return undefined
  }
}

/** What stands in the message around an event. */
export interface NotificationFrame {
  /** The service. */
  readonly from: string
  /** The owner chooses between the two (`pubsub#notification_type`). */
  readonly type?: 'normal' | 'headline' | 'chat'
  /** For an item that is told of later than it was published (XEP-0060 §6.1.7). */
  readonly delay?: Delay | undefined
}

/** A notification written once, for all its subscribers. */
export interface NotificationParts {
  /** Up to the address of a subscriber. */
  readonly head: string
  /** What is inside. */
  readonly body: string
}

/** Writes the notification of an event, but for whom it goes to. */
export function notificationParts(event: PubsubEvent, frame: NotificationFrame): NotificationParts {
  return messageParts(buildEvent(event), frame)
}

/** Writes a message that holds those elements, but for whom it goes to. */
export function messageParts(
  content: Element | readonly Element[],
  { from, type = 'normal', delay }: NotificationFrame,
): NotificationParts {
  const typed = type === 'normal' ? '' : ` type="${type}"`
  return {
    head: `<message from="${writeValue(from)}"${typed} to="`,
    body: inOnePiece(`${[content].flat().map(writeXml).join('')}${delay ? writeXml(buildDelay(delay)) : ''}`),
  }
}

/** Text that was put together is kept as its pieces, which would be gone through again for every recipient. */
const inOnePiece = (text: string) => Buffer.from(text).toString()

/**
 * The notification for one subscriber.
 *
 * @param headers what tells which of its subscriptions, or of a collection's nodes, it comes from; last, as XEP-0060 §7.1.2.4 wants it
 */
export function writeNotification({ head, body }: NotificationParts, to: string, id: string, headers: readonly Header[] = []): string {
  const last = headers.length > 0 ? writeXml(buildHeaders(headers)) : ''
  return `${head}${writeValue(to)}" id="${writeValue(id)}">${body}${last}</message>`
}

/** An event with what came beside it. */
export interface Notification {
  readonly event: PubsubEvent
  /** The subscriptions it comes from, where there are several (XEP-0060 §7.1.2.4). */
  readonly subids: readonly string[]
  /** The collection it comes by way of (XEP-0248). */
  readonly collection?: string | undefined
  readonly delay?: Delay | undefined
}

/** @returns `undefined` for a message that is no notification */
export function parseNotification(message: Element): Notification | undefined {
  const element = message.getChild('event', NS.pubsubEvent)
  const event = element && parseEvent(element)
  if (!event) return undefined
  const headers = parseHeaders(message)
  const called = (name: string) => headers.filter((header) => header.name === name).map(({ value }) => value)
  return { event, subids: called('SubID'), collection: called('Collection')[0], delay: parseDelay(message) }
}
