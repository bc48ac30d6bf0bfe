import type { Clock, ErrorCode } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import type { Streamhost } from '../streamhost/index.ts'

export interface HealthComponents {
  readonly clock: Clock
  /** None where no bytestreams are relayed. */
  readonly streamhost: Pick<Streamhost, 'isListening' | 'gauges'> | undefined
}

/** Why the service cannot be used now. */
export interface NotReady {
  /** Stable across releases; the text is not. */
  readonly code: 'stopping' | 'component-offline' | 'ports-closed'
  readonly text: string
}

/** Why a component is offline. The message of the error would say where its server is. */
const words: Partial<Record<ErrorCode, string>> = {
  ERR_UNREACHABLE: 'no XMPP server answers',
  ERR_TIMEOUT: 'the XMPP server does not finish the handshake',
  ERR_SESSION_CLOSED: 'the connection to the XMPP server broke',
  ERR_STREAM: 'the XMPP server ended the stream',
  ERR_STANZA_TOO_BIG: 'the XMPP server sent a stanza that is too big',
  ERR_AUTHENTICATION: 'the XMPP server refuses the secret',
  ERR_HOST_UNKNOWN: 'the XMPP server does not know the component',
  ERR_REPLACED: 'another connection took the component over',
}

/** How one connection to the server is. */
interface Line {
  /** Missing while it is online. */
  offlineSince: Date | undefined
  code: ErrorCode | undefined
}

/** Whether the service can be used, and if not, why, without saying who or where. */
export class Health {
  readonly #clock: Clock
  readonly #streamhost: HealthComponents['streamhost']
  readonly #startedMs: number
  /** One for each address; before the first there is nothing that could be online. */
  readonly #lines: Line[] = []
  readonly #started = new Date()
  #isStopping = false

  constructor({ clock, streamhost }: HealthComponents) {
    this.#clock = clock
    this.#streamhost = streamhost
    this.#startedMs = clock.now()
  }

  /** Milliseconds since it was made. */
  get uptimeMs(): number {
    return this.#clock.now() - this.#startedMs
  }

  get isComponentOnline(): boolean {
    return this.#offline === undefined
  }

  /** The address that has been offline longest. */
  get #offline(): Line | undefined {
    if (this.#lines.length === 0) return { offlineSince: this.#started, code: undefined }
    const lines = this.#lines.filter(({ offlineSince }) => offlineSince !== undefined)
    return lines.sort((one, other) => Number(one.offlineSince) - Number(other.offlineSince))[0]
  }

  /** Follows the session of the component, or one of its sessions, from before its start. */
  watch(session: Pick<Session, 'on'>): void {
    const line: Line = { offlineSince: this.#started, code: undefined }
    this.#lines.push(line)
    const offline = (code?: ErrorCode) => {
      line.offlineSince ??= new Date()
      line.code = code
    }
    session.on('online', () => {
      line.offlineSince = undefined
    })
    session.on('offline', ({ error }) => offline(error.code))
    session.on('ended', ({ error }) => offline(error?.code))
  }

  /** From now on there are no new bytestreams. */
  stop(): void {
    this.#isStopping = true
  }

  /** Nothing when the component is online and every SOCKS5 port accepts. */
  reasons(): NotReady[] {
    const reasons: NotReady[] = []
    if (this.#isStopping) reasons.push({ code: 'stopping', text: this.#stopping() })
    const { offlineSince, code } = this.#offline ?? {}
    if (offlineSince) reasons.push({ code: 'component-offline', text: offline(offlineSince, code) })
    if (this.#streamhost?.isListening === false) reasons.push({ code: 'ports-closed', text: 'the SOCKS5 ports do not accept connections' })
    return reasons
  }

  #stopping(): string {
    if (!this.#streamhost) return 'the service is stopping'
    return `the service is stopping: it takes no new bytestreams; ${this.#streamhost.gauges().active} may still finish`
  }
}

function offline(since: Date, code: ErrorCode | undefined): string {
  const why = code === undefined ? 'it has no connection yet, or none anymore' : `${words[code] ?? 'the log says why'} (${code})`
  return `the component is offline since ${since.toISOString()}: ${why}`
}
