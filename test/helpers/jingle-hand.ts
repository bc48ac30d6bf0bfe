import { EventEmitter, once } from 'node:events'
import type { Session } from '../../src/session/index.ts'
import { buildJingle, type Jingle, type JingleAction, type JingleContent, type JingleFile, NS, parseJingle } from '../../src/xep/index.ts'

/** One side of Jingle sessions that a test plays itself: what it says, and what it hears, which it acknowledges. */
export class JingleHand {
  readonly heard: Jingle[] = []
  readonly #session: Session
  readonly #events = new EventEmitter()
  readonly #awaited = new Set<Jingle>()

  /** @param answer throws what is answered instead of the acknowledgement */
  constructor(session: Session, answer: (jingle: Jingle) => void = () => {}) {
    this.#session = session
    session.iqs.handle('set', NS.jingle, 'jingle', ({ payload }) => {
      const jingle = parseJingle(payload)
      answer(jingle)
      this.heard.push(jingle)
      // Behind the acknowledgement.
      setImmediate(() => this.#events.emit('heard'))
      return undefined
    })
  }

  /** @throws StanzaError as the other side refused it */
  async say(to: string, jingle: Pick<Jingle, 'action' | 'sid'> & Partial<Jingle>): Promise<void> {
    await this.#session.request({ type: 'set', to, payload: buildJingle({ contents: [], ...jingle }) })
  }

  /** Settles with the next step of that kind, each once. */
  async hear(action: JingleAction): Promise<Jingle> {
    for (;;) {
      const next = this.heard.find((jingle) => jingle.action === action && !this.#awaited.has(jingle))
      if (next) {
        this.#awaited.add(next)
        return next
      }
      await once(this.#events, 'heard')
    }
  }
}

/** A file that is offered by hand, in band under a sid of its own name. */
export const offeredFile = (facts: Partial<JingleFile> = {}, name = 'offered'): JingleContent => ({
  ...{ creator: 'initiator', name, senders: 'initiator' },
  description: { kind: 'file', file: { name: 'file.bin', size: 4, hashes: [], hashUsed: [], ...facts } },
  transport: { kind: 'inBand', sid: `for-${name}`, blockSize: 4096 },
})
