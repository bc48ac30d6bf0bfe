import { BytestreamError } from '../core/index.ts'
import type { DataForm } from './data-forms.ts'
import type { DiscoInfo } from './disco.ts'
import { attribute, type Element, xml } from './element.ts'
import { NS } from './namespaces.ts'

/** Options of a subscription that only our service has: fields of the form of XEP-0060 §6.3. */
export const feedOptions = {
  /** Boolean: whether what is published waits for the account while it is away. */
  queue: `${NS.feeds}-queue`,
  /** Patterns of the routing keys that are wanted. */
  keys: `${NS.feeds}-key`,
} as const

/** Messages acknowledged at once. */
const MESSAGES_MAX = 256

const MESSAGE_ID = /^[1-9]\d{0,15}$/

/**
 * Stands beside the event of a message that waited in a queue: under which number it is acknowledged.
 *
 * ```xml
 * <delivery xmlns='https://www.npmjs.com/package/streamhost#feeds' id='4711'/>
 * ```
 */
export function buildDelivery(messageId: number): Element {
  return xml('delivery', { xmlns: NS.feeds, id: messageId })
}

/** @returns the number of the message that waited; `undefined` for a message that came as any other */
export function parseDelivery(message: Element): number | undefined {
  const delivery = message.getChild('delivery', NS.feeds)
  return delivery && messageId(attribute(delivery, 'id'))
}

/**
 * Says that messages have arrived for good: an IQ of type set to the service, from whomever they were sent to. Answered when that is on
 * the disk, and all that the service heard before; without a message that is all it is for.
 *
 * ```xml
 * <ack xmlns='https://www.npmjs.com/package/streamhost#feeds'><message id='4711'/><message id='4712'/></ack>
 * ```
 */
export function buildAcknowledgement(messageIds: readonly number[]): Element {
  return xml('ack', { xmlns: NS.feeds }, ...messageIds.map((id) => xml('message', { id })))
}

/** @returns none for who only wants an answer @throws BytestreamError `ERR_BAD_REQUEST` for more than 256, and for a number that is none */
export function parseAcknowledgement(ack: Element): number[] {
  const messages = ack.getChildren('message', NS.feeds)
  if (messages.length > MESSAGES_MAX) {
    throw new BytestreamError('ERR_BAD_REQUEST', `at most ${MESSAGES_MAX} messages are acknowledged at once`)
  }
  return messages.map((message) => {
    const id = messageId(attribute(message, 'id'))
    if (id === undefined) throw new BytestreamError('ERR_BAD_REQUEST', 'the id of a message is none that was given')
    return id
  })
}

const messageId = (text = '') => (MESSAGE_ID.test(text) && Number.isSafeInteger(Number(text)) ? Number(text) : undefined)

/** What somebody who follows feeds can take. What is left out is not limited. */
export interface FeedAcceptance {
  /** Such as `image/png` or `image/*`. */
  readonly mediaTypes?: readonly string[] | undefined
  /** Octets of one file. */
  readonly sizeBytesMax?: number | undefined
  /** Ways of transfer: `jingle`, `si`. */
  readonly methods?: readonly string[] | undefined
}

const ACCEPT_FORM = `${NS.feeds}-accept`
/** Values of one field of it that are read. */
const ACCEPT_VALUES_MAX = 64

/**
 * The same as disco#info tells it (XEP-0128), so that nobody is sent what he cannot take.
 *
 * ```xml
 * <x xmlns='jabber:x:data' type='result'>
 *   <field var='FORM_TYPE' type='hidden'><value>https://www.npmjs.com/package/streamhost#feeds-accept</value></field>
 *   <field var='media-types' type='text-multi'><value>image/*</value></field>
 *   <field var='size-max' type='text-single'><value>10485760</value></field>
 * </x>
 * ```
 */
export function feedAcceptanceForm({ mediaTypes, sizeBytesMax, methods }: FeedAcceptance): DataForm {
  const fields = [
    ...(mediaTypes ? [{ var: 'media-types', type: 'text-multi', values: mediaTypes }] : []),
    ...(sizeBytesMax === undefined ? [] : [{ var: 'size-max', type: 'text-single', values: [String(sizeBytesMax)] }]),
    ...(methods ? [{ var: 'methods', type: 'text-multi', values: methods }] : []),
  ]
  return { type: 'result', formType: ACCEPT_FORM, fields }
}

/** @returns what somebody can take, as far as he says so: all, where he does not */
export function feedAcceptanceOf({ forms = [] }: DiscoInfo): FeedAcceptance {
  const fields = forms.find(({ formType }) => formType === ACCEPT_FORM)?.fields ?? []
  const values = (name: string) => fields.find((field) => field.var === name)?.values.slice(0, ACCEPT_VALUES_MAX)
  const [size = ''] = values('size-max') ?? []
  const sizeBytesMax = /^\d{1,15}$/.test(size) ? Number(size) : undefined
  return { mediaTypes: values('media-types'), sizeBytesMax, methods: values('methods') }
}
