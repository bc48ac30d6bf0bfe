import { JingleSessions } from '../../src/bytestreams/index.ts'
import { BytestreamError, type Clock, silentLogger } from '../../src/core/index.ts'
import { Session } from '../../src/session/index.ts'
import {
  attribute,
  buildErrorReply,
  buildIq,
  buildJingle,
  buildPresence,
  type Element,
  type Jingle,
  parseElement,
} from '../../src/xep/index.ts'
import { settle } from './settle.ts'

export type Side = 0 | 1
export const otherSide = (side: Side): Side => (side === 0 ? 1 : 0)

export const jids = ['romeo@montague.net/orchard', 'juliet@capulet.com/balcony'] as const

interface End {
  readonly session: Session
  readonly jingle: JingleSessions
  readonly receive: (stanza: Element) => void
  readonly cut: (error: BytestreamError) => void
}

/**
 * Two entities and the server between them: what one says waits until the test lets it arrive, in its order, as stanzas
 * do. Whoever was lost is answered for by the server, and the other one hears that it is unavailable.
 */
export class JingleLink implements AsyncDisposable {
  readonly ends: readonly [End, End]
  readonly isGone = [false, false]
  /** Everything that was said, and by whom, as it was read. */
  readonly log: { readonly side: Side; readonly stanza: Element }[] = []
  readonly #ways: [Element[], Element[]] = [[], []]
  #forged = 0

  private constructor(ends: [End, End], ways: [Element[], Element[]]) {
    this.ends = ends
    this.#ways = ways
  }

  static async open(clock: Clock): Promise<JingleLink> {
    const ways: [Element[], Element[]] = [[], []]
    const ends = [await openEnd(clock, 0, ways[0]), await openEnd(clock, 1, ways[1])] as [End, End]
    return new JingleLink(ends, ways)
  }

  /** @returns whether there was something of that side to let arrive */
  deliver(from: Side): boolean {
    const written = this.#ways[from].shift()
    if (!written) return false
    const stanza = parseElement(written.toString())
    stanza.attrs['from'] ??= jids[from]
    this.log.push({ side: from, stanza })
    const to = otherSide(from)
    if (!this.isGone[to]) this.ends[to].receive(stanza)
    else if (stanza.name === 'iq' && attribute(stanza, 'type') === 'set' && !this.isGone[from]) {
      this.ends[from].receive(buildErrorReply(stanza, { type: 'cancel', condition: 'service-unavailable' }))
    }
    return true
  }

  /** Lets everything arrive, and what comes of it, until nobody has anything more to say. */
  async deliverAll(): Promise<void> {
    for (let isBusy = true; isBusy; ) {
      await settle()
      isBusy = this.deliver(0)
      isBusy = this.deliver(1) || isBusy
      await settle()
      isBusy ||= this.#ways.some(({ length }) => length > 0)
    }
  }

  /** The connection of that side is lost, with what it had said last. */
  lose(side: Side): void {
    if (this.isGone[side]) return
    this.isGone[side] = true
    this.#ways[side].length = 0
    this.ends[side].cut(new BytestreamError('ERR_STREAM', 'cut'))
    this.#ways[side].push(buildPresence({ type: 'unavailable', from: jids[side] }))
  }

  /** What that side never said. @param from by whom, where not by itself */
  forge(side: Side, jingle: Jingle, from?: string): void {
    this.#forged++
    this.#ways[side].push(buildIq({ type: 'set', id: `forged-${this.#forged}`, from, to: jids[otherSide(side)] }, buildJingle(jingle)))
  }

  /** Says again what that side said last. */
  duplicate(side: Side): void {
    const last = this.log.findLast((said) => said.side === side && attribute(said.stanza, 'type') === 'set')
    if (!last) return
    this.#forged++
    const copy = parseElement(last.stanza.toString())
    copy.attrs['id'] = `again-${this.#forged}`
    this.#ways[side].push(copy)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { session } of this.ends) await session.stop()
  }
}

async function openEnd(clock: Clock, side: Side, way: Element[]): Promise<End> {
  let receive = (_: Element) => {}
  let cut = (_: BytestreamError | undefined) => {}
  const session = new Session(
    { clock },
    async (onStanza) => {
      receive = onStanza
      const closed = new Promise<BytestreamError | undefined>((resolve) => {
        cut = resolve
      })
      return { jid: jids[side], send: (stanza) => void way.push(stanza), sendPiece: async () => false, close: () => cut(undefined), closed }
    },
    { reconnect: 'never' },
  )
  await session.start()
  const jingle = JingleSessions.of({ session, clock, logger: silentLogger })
  return { session, jingle, receive: (stanza) => receive(stanza), cut: (error) => cut(error) }
}
