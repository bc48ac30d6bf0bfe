import { attribute, type Element, xml } from './element.ts'

/** RFC 6121 §5.2.2. */
export type MessageType = 'chat' | 'error' | 'groupchat' | 'headline' | 'normal'

const TYPES: readonly string[] = ['chat', 'error', 'groupchat', 'headline'] satisfies MessageType[]

/** A message, as far as this project looks at it (RFC 6121 §5). */
export interface Message {
  readonly type?: MessageType
  readonly id?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Empty where there is none. */
  readonly body?: string
}

/**
 * ```xml
 * <message to='desk@example.org' type='chat'><body>It is on its way.</body></message>
 * ```
 * @see RFC 6121 §5.2
 */
export function buildMessage({ type, id, from, to, body }: Message, ...payload: readonly Element[]): Element {
  const attributes = { type: type === 'normal' ? undefined : type, id, from, to }
  return xml('message', attributes, body ? xml('body', {}, body) : undefined, ...payload)
}

/** A type RFC 6121 does not know counts as normal (§5.2.2). */
export function parseMessage(stanza: Element): Required<Message> {
  const type = attribute(stanza, 'type') ?? 'normal'
  return {
    type: TYPES.includes(type) ? (type as MessageType) : 'normal',
    id: attribute(stanza, 'id'),
    from: attribute(stanza, 'from'),
    to: attribute(stanza, 'to'),
    body: stanza.getChildText('body') ?? '',
  }
}
