import {
  BytestreamError,
  bareJid,
  type Clock,
  domainOf,
  type ErrorCode,
  parseJid,
  startDeadline,
  toBytestreamError,
} from '../core/index.ts'
import type { Element } from '../xep/index.ts'
import type { Connect, Connection } from './connection.ts'
import { BACKLOG_BYTES_MAX } from './xml-stream.ts'
import { buildEntity, guardInput, hangUp, unsentBytes } from './xmpp-entity.ts'

export interface AccountInit {
  /** Bare, or full to ask the server for that resource. */
  readonly jid: string
  readonly password: string
  /** `xmpp://HOST:PORT`; found by DNS where it is left out. */
  readonly service?: string | undefined
  /** Milliseconds for connecting, logging in and binding together. Default 30,000. */
  readonly loginMsMax?: number
}

const LOGIN_MS_MAX = 30_000
/** How long a server may take to close its side after we closed ours. */
const CLOSE_MS_MAX = 2_000

/** What went wrong while logging in, in the words of whoever has to mend it. */
function toLoginError(thrown: unknown, { jid, service }: AccountInit): BytestreamError {
  if (thrown instanceof BytestreamError) return thrown
  const {
    name = '',
    message = String(thrown),
    condition = '',
    code = '',
  } = thrown as Partial<Record<'name' | 'message' | 'condition' | 'code', string>>
  const where = service ?? `the server of ${domainOf(jid)}`
  const [errorCode, sentence]: [ErrorCode, string] =
    name === 'SASLError'
      ? ['ERR_AUTHENTICATION', `${where} refuses to log ${bareJid(jid)} in (${condition || message})`]
      : condition === 'host-unknown'
        ? ['ERR_HOST_UNKNOWN', `${where} does not serve ${domainOf(jid)}`]
        : condition === 'conflict'
          ? ['ERR_REPLACED', `another connection took over ${jid}`]
          : code || message.includes('No compatible') || message.includes("Couldn't connect")
            ? ['ERR_UNREACHABLE', `${where} cannot be reached: ${message}`]
            : ['ERR_STREAM', `the stream to ${where} failed: ${message}`]
  return new BytestreamError(errorCode, sentence, { cause: thrown })
}

/**
 * Logs in to an account: TCP or TLS, STARTTLS where the server offers it, SASL, resource binding.
 *
 * @see RFC 6120 §5-§7
 */
export function clientConnector(clock: Clock, init: AccountInit): Connect {
  const { local, domain, resource } = parseJid(init.jid)
  const { password, service, loginMsMax = LOGIN_MS_MAX } = init
  return async (onStanza, outer) => {
    const entity = buildEntity({ username: local, domain, password, resource, service, stepMsMax: loginMsMax })
    let reason: BytestreamError | undefined
    const fail = (error: BytestreamError) => {
      reason ??= error
      hangUp(entity)
    }
    const closed = new Promise<BytestreamError | undefined>((settle) => {
      entity.on('disconnect', () =>
        settle(reason ?? new BytestreamError('ERR_SESSION_CLOSED', `the server of ${domain} closed the connection`)),
      )
      entity.on('offline', () => settle(undefined))
    })
    guardInput(entity, fail)
    entity.on('error', (error: unknown) => {
      reason ??= toLoginError(error, init)
    })
    // Before that, whoever sits on the way could speak in anybody's name.
    entity.once('online', () => entity.on('stanza', (stanza: Element) => onStanza(stanza)))

    using deadline = startDeadline(
      clock,
      loginMsMax,
      'ERR_TIMEOUT',
      `logging in as ${bareJid(init.jid)} took longer than ${loginMsMax / 1000} s`,
      outer,
    )
    deadline.signal.addEventListener('abort', () => fail(deadline.signal.reason as BytestreamError))
    try {
      await Promise.race([
        entity.start(),
        closed.then((error) => Promise.reject(error ?? new BytestreamError('ERR_SESSION_CLOSED', 'the connection was closed'))),
      ])
    } catch (thrown) {
      hangUp(entity)
      throw reason ?? toLoginError(thrown, init)
    }
    const connection: Connection = {
      jid: String(entity.jid),
      send(stanza) {
        void entity.send(stanza).catch((error: unknown) => fail(toBytestreamError(error, 'ERR_SESSION_CLOSED')))
        if (unsentBytes(entity) > BACKLOG_BYTES_MAX) fail(new BytestreamError('ERR_SESSION_CLOSED', `${domain} reads too slowly`))
      },
      close() {
        const cancel = clock.after(CLOSE_MS_MAX, () => hangUp(entity))
        // A stream that does not close properly is cut; either way it is gone.
        void entity
          .stop()
          .catch(() => hangUp(entity))
          .finally(cancel)
      },
      closed,
    }
    return connection
  }
}
