import type { ChosenStream, IncomingOffer } from '../../bytestreams/index.ts'
import { BytestreamError, tryPrepareJid } from '../../core/index.ts'
import type { Session } from '../../session/index.ts'
import { buildStart, type PublishedProtocol, parseStarting } from '../../xep/index.ts'
import type { FileTaker } from '../jingle/file-sessions.ts'

/** What was asked for, and has not all come. */
const STARTS_MAX = 100

/** Takes what its owner sends because it was asked for. */
export interface StartTaker extends FileTaker {
  /** Decides about a stream that is initiated for it. @throws BytestreamError the answer */
  decide(offer: IncomingOffer): Promise<ChosenStream>
  /** Nothing comes any more; of no meaning once something has come. */
  fail(error: BytestreamError): void
}

/** What to ask for, and of whom. */
export interface StartInit {
  /** Full JID, or that of a component; prepared. */
  readonly peer: string
  readonly protocol: PublishedProtocol
  readonly id: string
  readonly taker: StartTaker
  /** Milliseconds to wait for the answer. */
  readonly answerMsMax: number
  readonly signal: AbortSignal
}

interface Pending extends Pick<StartInit, 'peer' | 'protocol' | 'taker'> {
  /** Of the session that follows; `undefined` until it is told. */
  sid: string | undefined
}

/**
 * What was asked for by the id it was published with. Its owner answers with the id of a session, and begins that: what comes
 * under it, from the owner, goes to whoever has asked, and nothing else does.
 *
 * @see XEP-0358 §2.2, XEP-0137 §3.3
 */
export class PendingStarts {
  readonly #session: Session
  readonly #pending = new Set<Pending>()

  constructor(session: Session) {
    this.#session = session
    session.on('presence', ({ type, from }) => {
      if (type === 'unavailable' && from) this.#failAll(new BytestreamError('ERR_NO_RESOURCE', `${from} has gone offline`), from)
    })
    session.on('offline', ({ error }) => this.#failAll(error))
    session.on('ended', ({ error }) => this.#failAll(error ?? new BytestreamError('ERR_SESSION_CLOSED', 'the session was closed')))
  }

  /**
   * Asks the owner to begin.
   *
   * @returns once it has said that it does; to be disposed of when nothing of it is taken any more
   * @throws StanzaError as the owner refused; BytestreamError `ERR_LIMIT_WAITING`, `ERR_BAD_REQUEST`, `ERR_TIMEOUT`, `ERR_ABORTED`,
   *   `ERR_SESSION_CLOSED`
   */
  async ask({ peer, protocol, id, taker, answerMsMax, signal }: StartInit): Promise<Disposable> {
    if (this.#pending.size >= STARTS_MAX) throw new BytestreamError('ERR_LIMIT_WAITING', `${STARTS_MAX} files are being asked for already`)
    const pending: Pending = { peer, protocol, taker, sid: undefined }
    this.#pending.add(pending)
    const forget = () => void this.#pending.delete(pending)
    try {
      const payload = buildStart(protocol, id)
      await this.#session.request(
        { type: 'get', to: peer, payload },
        {
          ...{ answerMsMax, signal },
          // The session may be begun in the same moment.
          onResult: (answer) => {
            const starting = answer && parseStarting(answer)
            if (starting?.protocol !== protocol) throw new BytestreamError('ERR_BAD_REQUEST', `${peer} does not say what it begins`)
            if (this.find(protocol, peer, starting.sid))
              throw new BytestreamError('ERR_BAD_REQUEST', `${peer} begins two things under the same id`)
            pending.sid = starting.sid
          },
        },
      )
      return { [Symbol.dispose]: forget }
    } catch (error) {
      forget()
      throw error
    }
  }

  /** @returns who waits for what somebody begins under an id */
  find(protocol: PublishedProtocol, from: string, sid: string): StartTaker | undefined {
    const peer = tryPrepareJid(from)
    return [...this.#pending].find((each) => each.protocol === protocol && each.peer === peer && each.sid === sid)?.taker
  }

  #failAll(error: BytestreamError, from?: string): void {
    const peer = from && tryPrepareJid(from)
    for (const each of [...this.#pending]) if (peer === undefined || each.peer === peer) each.taker.fail(error)
  }
}
