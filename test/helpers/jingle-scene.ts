import type { ExecutionContext } from 'ava'
import { type JingleEnd, type JingleSession, JingleSessions } from '../../src/bytestreams/index.ts'
import { silentLogger } from '../../src/core/index.ts'
import {
  attribute,
  buildErrorReply,
  buildIq,
  buildIqResult,
  buildJingle,
  type Element,
  type Jingle,
  type JingleAction,
  type JingleContent,
  type JingleReason,
  NS,
  parseElement,
  parseJingle,
} from '../../src/xep/index.ts'
import { FakeClock } from './fake-clock.ts'
import { file, inBand, type PaperTransports, paperTransports } from './jingle-transport.ts'
import { scriptSession, stanzaError } from './scripted-session.ts'
import { settle } from './settle.ts'

export const romeo = 'romeo@montague.net/orchard'
export const juliet = 'juliet@capulet.com/balcony'
export const sid = 'a73sjjvkla37jfea'

/** What Romeo answers to an action of ours: a result, nothing yet, or an error of that condition. */
export type Answers = (action: JingleAction) => 'result' | 'silence' | Parameters<typeof stanzaError>

/** One of Romeo's contents. */
export const content = (name = 'a-file-offer', facts: Partial<JingleContent> = {}): JingleContent => ({
  ...{ creator: 'initiator', name, senders: 'initiator', description: file(`${name}.bin`), transport: inBand(`for-${name}`) },
  ...facts,
})

/** What an answer says: `result`, or type, condition and Jingle's own condition of its error. */
function said(answer: Element): string {
  const error = answer.getChild('error')
  if (!error) return attribute(answer, 'type') ?? ''
  const children = error.getChildElements().filter(({ name }) => name !== 'text')
  return [attribute(error, 'type'), ...children.map(({ name }) => name)].join(' ')
}

/** Juliet's sessions, stanza by stanza; the test is Romeo. */
export class JingleScene {
  readonly clock: FakeClock
  readonly sessions: JingleSessions
  /** Everything we have sent, and how Romeo's stanzas come. */
  readonly stanzas: readonly Element[]
  readonly receive: (stanza: Element) => void
  readonly account: Awaited<ReturnType<typeof scriptSession>>['session']
  /** Those Romeo has begun. */
  readonly offered: JingleSession[] = []
  /** Their transports on our side. */
  readonly transports: PaperTransports
  readonly #asked: { count: number } = { count: 0 }

  private constructor(
    clock: FakeClock,
    { session, sent, receive }: Awaited<ReturnType<typeof scriptSession>>,
    transports: PaperTransports,
  ) {
    this.clock = clock
    this.account = session
    this.stanzas = sent
    this.receive = receive
    this.transports = transports
    this.sessions = JingleSessions.of({ session, clock, logger: silentLogger })
  }

  static async set(t: ExecutionContext, answers: Answers = () => 'result', transports = paperTransports()): Promise<JingleScene> {
    const clock = new FakeClock()
    const scripted = await scriptSession(t, clock, juliet, ({ payload }) => {
      const answer = answers(parseJingle(parseElement(payload.toString())).action)
      if (answer === 'silence') return answer
      if (answer !== 'result') throw stanzaError(...answer)
      return undefined
    })
    return new JingleScene(clock, scripted, transports)
  }

  /** The same, with somebody who takes note of the sessions Romeo begins. */
  static async open(t: ExecutionContext, answers?: Answers, transports?: PaperTransports): Promise<JingleScene> {
    const scene = await JingleScene.set(t, answers, transports)
    scene.sessions.handle('file', (session) => void scene.offered.push(session))
    return scene
  }

  /** Lets an action come, and waits for its answer. */
  async ask(action: JingleAction, parts: Partial<Jingle> = {}, from = romeo): Promise<string> {
    const id = `ask-${this.#asked.count++}`
    const payload = parseElement(buildJingle({ action, sid, contents: [], ...parts }).toString())
    this.receive(buildIq({ type: 'set', id, from, to: juliet }, payload))
    for (;;) {
      const answer = this.stanzas.find((stanza) => attribute(stanza, 'id') === id)
      if (answer) {
        await settle()
        return said(answer)
      }
      await settle()
    }
  }

  /** The actions we have sent, as the other side reads them. */
  get actions(): readonly Jingle[] {
    return this.#sets.map((stanza) => parseJingle(parseElement(stanza.toString()).getChildElements()[0] as Element))
  }

  /** The actions by name; a reason stands behind it. */
  get story(): readonly string[] {
    return this.actions.map(({ action, reason }) => (reason ? `${action} ${reason.condition}` : action))
  }

  get #sets(): readonly Element[] {
    return this.stanzas.filter((stanza) => stanza.getChild('jingle', NS.jingle) && attribute(stanza, 'type') === 'set')
  }

  /** Answers the last action of that name, which was met with silence. */
  async answer(action: JingleAction, ...error: Parameters<typeof stanzaError> | []): Promise<void> {
    const find = () => this.#sets.findLast((set) => attribute(set.getChildElements()[0] as Element, 'action') === action)
    let stanza = find()
    for (; !stanza; stanza = find()) await settle()
    this.receive(error.length === 0 ? buildIqResult(stanza) : buildErrorReply(stanza, stanzaError(...error).stanzaError))
    await settle()
  }

  /** A session of Romeo's that waits for a decision. */
  async offer(contents: readonly JingleContent[] = [content()]): Promise<JingleSession> {
    await this.ask('session-initiate', { initiator: romeo, contents })
    return this.offered.at(-1) as JingleSession
  }

  /** A session of Romeo's that runs. */
  async accept(contents?: readonly JingleContent[]): Promise<JingleSession> {
    const session = await this.offer(contents)
    await session.accept(session.contents.map((each) => ({ content: each, transport: this.transports.open })))
    return session
  }

  /** A session of ours that Romeo has acknowledged. */
  begin(names: readonly string[] = ['a'], signal?: AbortSignal): Promise<JingleSession> {
    const contents = names.map((name) => ({
      ...{ name, senders: 'initiator' as const, description: file(`${name}.bin`), transport: this.transports.open },
    }))
    return this.sessions.begin({ peer: romeo, contents, signal })
  }

  /** A session of ours that runs. */
  async run(names: readonly string[] = ['a']): Promise<JingleSession> {
    const session = await this.begin(names)
    await this.ask('session-accept', { sid: session.sid, contents: session.contents.map(({ name }) => content(name)) })
    return session
  }

  /** Time passes, and what comes of it. */
  async pass(ms: number): Promise<void> {
    this.clock.advance(ms)
    await settle()
    await settle()
  }
}

/** How a session has ended, in words; `undefined` when it has not. */
export async function endOf(session: JingleSession): Promise<string | undefined> {
  let end: JingleEnd | undefined
  void session.ended.then((ended) => {
    end = ended
  })
  await settle()
  return end && [end.by, end.reason.condition, end.error?.code].filter((word) => word).join(' ')
}

export const reason = (condition: JingleReason['condition']): { readonly reason: JingleReason } => ({ reason: { condition } })
