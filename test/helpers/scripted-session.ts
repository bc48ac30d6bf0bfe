import type { ExecutionContext } from 'ava'
import { type Clock, StanzaError, type StanzaErrorEntry } from '../../src/core/index.ts'
import { Session } from '../../src/session/index.ts'
import { attribute, buildErrorReply, buildIqResult, type Element } from '../../src/xep/index.ts'
import { stanzasOf } from './pieces.ts'

/** What another entity does with an IQ: answers with a payload, with an error, or (`silence`) never. */
export type Script = (iq: { to: string; payload: Element; stanza: Element }) => Element | undefined | 'silence'

export interface ScriptedSession {
  readonly session: Session
  /** Every stanza that was sent, in order. */
  readonly sent: readonly Element[]
  /** Lets the session receive a stanza. */
  receive(stanza: Element): void
  /** Has the next piece get lost. */
  breakNextPiece(): void
}

/** An error for a {@link Script} to throw. */
export function stanzaError(condition: string, entry: Partial<StanzaErrorEntry> = {}, text = ''): StanzaError {
  return new StanzaError({ type: 'cancel', condition, ...entry }, text, 'the script')
}

/**
 * A session whose other side is a script instead of a server: for what no server can be made to say, and for time that
 * a test moves.
 */
export async function scriptSession(t: ExecutionContext, clock: Clock, jid: string, script: Script): Promise<ScriptedSession> {
  const sent: Element[] = []
  let receive = (_: Element) => {}
  let isBroken = false
  const answer = (stanza: Element) => {
    const type = attribute(stanza, 'type')
    const [payload] = stanza.getChildElements()
    if (stanza.name !== 'iq' || !payload || (type !== 'get' && type !== 'set')) return
    try {
      const reply = script({ to: attribute(stanza, 'to') ?? '', payload, stanza })
      if (reply !== 'silence') receive(buildIqResult(stanza, reply))
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      receive(buildErrorReply(stanza, error.stanzaError, error.text))
    }
  }
  const session = new Session(
    { clock },
    async (onStanza) => {
      receive = onStanza
      let end = (_: undefined) => {}
      const closed = new Promise<undefined>((resolve) => {
        end = resolve
      })
      return {
        jid,
        send(stanza) {
          sent.push(stanza)
          queueMicrotask(() => answer(stanza))
        },
        async sendPiece(stanzas) {
          if (isBroken) {
            isBroken = false
            return false
          }
          sent.push(...stanzasOf(stanzas))
          return true
        },
        close: () => end(undefined),
        closed,
      }
    },
    { reconnect: 'never' },
  )
  t.teardown(() => session.stop())
  await session.start()
  return {
    session,
    sent,
    receive: (stanza) => receive(stanza),
    breakNextPiece() {
      isBroken = true
    },
  }
}
