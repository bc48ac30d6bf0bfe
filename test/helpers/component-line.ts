import type { ExecutionContext } from 'ava'
import { BytestreamError, type Clock, type Logger } from '../../src/core/index.ts'
import { Session } from '../../src/session/index.ts'
import { attribute, type Element, parseElement } from '../../src/xep/index.ts'
import { stanzasOf } from './pieces.ts'

/** A component's session whose server is the test: any `from` can be had, in any spelling. */
export interface ComponentLine {
  readonly session: Session
  /** Lets the component receive a stanza. */
  say(stanza: string): void
  /** The next stanza the component sends. */
  hear(): Promise<Element>
  /** Ends the connection; another one begins as soon as the session tries. */
  lose(): void
  /** Asks the component, by an IQ whose id is no other's, and waits for its answer. */
  ask(iq: { type: 'get' | 'set'; from: string; to?: string; payload: string }): Promise<Element>
}

interface LineInit {
  readonly clock?: Clock
  readonly logger?: Logger
  /** Whether it comes back when its connection is lost. Default no. */
  readonly isLasting?: boolean
  /** Is given the session before it begins. */
  readonly attach?: (session: Session) => void
}

/** The session is online when it returns, and stopped when the test is over. */
export async function openLine(
  t: ExecutionContext,
  jid: string,
  { clock, logger, isLasting = false, attach }: LineInit = {},
): Promise<ComponentLine> {
  const sent: Element[] = []
  const waiting: ((stanza: Element) => void)[] = []
  let receive = (_: Element) => {}
  let lose = () => {}
  const send = (stanza: Element) => {
    const settle = waiting.shift()
    if (settle) settle(stanza)
    else sent.push(stanza)
  }
  const sendPiece = async (stanzas: string) => {
    for (const stanza of stanzasOf(stanzas)) send(stanza)
    return true
  }
  const session = new Session(
    { ...(clock && { clock }), ...(logger && { logger }) },
    async (onStanza) => {
      receive = onStanza
      let resolve = (_: BytestreamError | undefined) => {}
      const closed = new Promise<BytestreamError | undefined>((settle) => {
        resolve = settle
      })
      lose = () => resolve(new BytestreamError('ERR_STREAM', 'the test has cut it'))
      return { jid, send, sendPiece, close: () => resolve(undefined), closed }
    },
    { reconnect: isLasting ? 'always' : 'never' },
  )
  attach?.(session)
  await session.start()
  t.teardown(() => session.stop())

  const quote = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll("'", '&apos;')
  let ids = 0
  const line: ComponentLine = {
    session,
    say: (stanza) => receive(parseElement(stanza)),
    lose: () => lose(),
    hear: async () => sent.shift() ?? (await new Promise<Element>((settle) => waiting.push(settle))),
    async ask({ type, from, to = jid, payload }) {
      ids += 1
      line.say(`<iq type='${type}' id='${ids}' from='${quote(from)}' to='${quote(to)}'>${payload}</iq>`)
      const answer = await line.hear()
      t.like(answer.attrs, { id: String(ids), from: to, to: from }, 'the answer goes back the way the question came')
      return answer
    },
  }
  return line
}

/** `result`, or the type, condition and text of a stanza error. */
export function outcomeOf(answer: Element): string {
  if (attribute(answer, 'type') === 'result') return 'result'
  const error = answer.getChild('error')
  const [condition] = error?.getChildElements() ?? []
  const text = error?.getChildText('text')
  return `${error?.attrs['type']} ${condition?.getName()}${text ? `: ${text}` : ''}`
}
