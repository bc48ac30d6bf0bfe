import { bareJid, type Clock, domainOf, type Logger, LogRation } from '../../core/index.ts'
import type { Pubsub } from '../../pubsub/index.ts'
import type { Session } from '../../session/index.ts'
import {
  attribute,
  type Element,
  type IqRequest,
  type Message,
  NS,
  parseAcknowledgement,
  parseReceipt,
  parseStanzaError,
} from '../../xep/index.ts'
import type { Deliveries } from './deliveries.ts'
import { deliveredMessage } from './delivery-ids.ts'

export interface DeliveryAnswersComponents {
  /** Borrowed. */
  readonly session: Session
  /** Borrowed. */
  readonly pubsub: Pubsub
  /** Borrowed. */
  readonly deliveries: Deliveries
  /** A device has said something. */
  readonly onHeard?: ((jid: string) => void) | undefined
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * What comes of messages that were handed over: acknowledgements, by our IQ and by receipts (XEP-0184), and errors. Each says something of
 * the queue of its sender alone.
 */
export class DeliveryAnswers implements Disposable {
  readonly #components: DeliveryAnswersComponents
  readonly #rations: LogRation<'not kept'>

  constructor(components: DeliveryAnswersComponents) {
    const { session, clock } = components
    this.#components = components
    this.#rations = new LogRation(clock)
    session.iqs.handle('set', NS.feeds, 'ack', (request) => this.#acknowledge(request))
    session.on('message', this.#onMessage)
  }

  [Symbol.dispose](): void {
    this.#components.session.off('message', this.#onMessage)
  }

  /** Answered when it is durable: whoever hears of it may forget what was delivered. */
  async #acknowledge({ from, payload }: IqRequest): Promise<undefined> {
    const { pubsub, deliveries, onHeard } = this.#components
    onHeard?.(from)
    for (const id of parseAcknowledgement(payload)) deliveries.acknowledge(bareJid(from), id)
    await pubsub.settled()
  }

  readonly #onMessage = (message: Required<Message>, stanza: Element) => {
    try {
      if (message.type === 'error') this.#takeBack(message, stanza)
      else this.#receive(message, stanza)
    } catch (err) {
      const suppressed = this.#rations.take('not kept')
      if (suppressed !== undefined) this.#components.logger.error({ err, suppressed }, 'what came of a delivery could not be kept')
    }
  }

  #receive({ from }: Required<Message>, stanza: Element): void {
    if (from) this.#components.onHeard?.(from)
    const messageId = deliveredMessage(parseReceipt(stanza) ?? '')
    if (from && messageId !== undefined) this.#components.deliveries.acknowledge(bareJid(from), messageId)
  }

  #takeBack({ id = '', from = '' }: Required<Message>, stanza: Element): void {
    const messageId = deliveredMessage(id)
    if (messageId === undefined) return
    const jid = recipientOf(from, stanza)
    const error = parseStanzaError(stanza)
    const reason = error.stanzaError.application?.[0] ?? error.condition
    const isAbsent = error.absence !== undefined || reason === 'failed-rules'
    this.#components.deliveries.giveBack(bareJid(jid), messageId, { jid, reason, isAbsent })
  }
}

/** Whom it was for. XEP-0079 §3.4.3: a server that heeds rules speaks for itself, and says whose message it was. */
function recipientOf(from: string, stanza: Element): string {
  const amp = stanza.getChild('amp', NS.amp)
  const to = amp && attribute(amp, 'to')
  return to && from === domainOf(to) ? to : from
}
