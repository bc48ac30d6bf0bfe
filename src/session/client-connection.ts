import type { Socket } from 'node:net'
import type { Client } from '@xmpp/client-core'
import {
  abortError,
  BytestreamError,
  bareJid,
  type Clock,
  domainOf,
  type ErrorCode,
  orAbort,
  parseJid,
  startDeadline,
} from '../core/index.ts'
import { Trust, type TrustInit } from '../tls/index.ts'
import { type Element, writeXml } from '../xep/index.ts'
import type { Connect } from './connection.ts'
import { dial } from './dial.ts'
import { KeepAlive } from './keep-alive.ts'
import { type NameResolver, systemResolver } from './name-resolver.ts'
import { findServers, parseService } from './server-addresses.ts'
import { BACKLOG_BYTES_MAX } from './xml-stream.ts'
import { attach, buildEntity, guardInput, hangUp, openOutbox, unsentBytes } from './xmpp-entity.ts'

/** An account, and where its server is. */
export interface AccountInit {
  /** Bare, or full to ask the server for that resource. */
  readonly jid: string
  readonly password: string
  /** `xmpp://HOST:PORT`, or `xmpps://HOST:PORT` for direct TLS (XEP-0368); found by DNS where it is left out. */
  readonly service?: string | undefined
  /** Which certificates of the server will do. It has to show one of the account's domain, wherever it is. */
  readonly tls?: TrustInit | undefined
  /** Milliseconds for connecting, logging in and binding together. Default 30,000. */
  readonly loginMsMax?: number
}

const LOGIN_MS_MAX = 30_000
/** How long a server may take to close its side after we closed ours. */
const CLOSE_MS_MAX = 5_000
/** Stanzas of a server before it has given us an address; one is to be expected. */
const EARLY_MAX = 16

const nameOf = ({ jid, service }: Pick<AccountInit, 'jid' | 'service'>) => service ?? `the server of ${domainOf(jid)}`

const tooSlow = (domain: string) => new BytestreamError('ERR_SESSION_CLOSED', `${domain} reads too slowly`)
const tooSilent = (domain: string, silenceMs: number) =>
  new BytestreamError('ERR_TIMEOUT', `the server of ${domain} has said nothing for ${silenceMs / 1000} s`)

/** What went wrong, in the words of whoever has to mend it. */
function toError(thrown: unknown, { jid, service }: AccountInit, isOnline: boolean): BytestreamError {
  if (thrown instanceof BytestreamError) return thrown
  const {
    name = '',
    message = String(thrown),
    condition = '',
    code = '',
  } = thrown as Partial<Record<'name' | 'message' | 'condition' | 'code', string>>
  const where = nameOf({ jid, service })
  const [errorCode, sentence]: [ErrorCode, string] =
    name === 'SASLError'
      ? ['ERR_AUTHENTICATION', `${where} refuses to log ${bareJid(jid)} in (${condition || message})`]
      : condition === 'host-unknown'
        ? ['ERR_HOST_UNKNOWN', `${where} does not serve ${domainOf(jid)}`]
        : condition === 'conflict'
          ? isOnline
            ? ['ERR_REPLACED', `another connection took over ${jid}`]
            : ['ERR_STREAM', `${where} has another connection as ${jid}, and keeps that`]
          : code
            ? isOnline
              ? ['ERR_SESSION_CLOSED', `the connection to ${where} broke: ${message}`]
              : ['ERR_UNREACHABLE', `${where} cannot be reached: ${message}`]
            : ['ERR_STREAM', `the stream to ${where} failed: ${message}`]
  return new BytestreamError(errorCode, sentence, { cause: thrown })
}

/**
 * Logs in to an account: DNS, TCP or TLS, STARTTLS, SASL, resource binding. Where the server names the resource, it is asked for the same
 * again with the next connection, so that whoever knows our address finds us there.
 *
 * @param resolver answers where the server is, when `service` does not say
 * @throws BytestreamError `ERR_JID_MALFORMED`, `ERR_CONFIG`: before anything is tried
 * @see RFC 6120 §3, §5-§7; XEP-0368
 */
export function clientConnector(clock: Clock, init: AccountInit, resolver: NameResolver = systemResolver): Connect {
  const { local, domain, resource } = parseJid(init.jid)
  const { password, service, loginMsMax = LOGIN_MS_MAX } = init
  const trust = new Trust(init.tls ?? {})
  const given = service === undefined ? undefined : [parseService(service)]
  const where = nameOf(init)
  const wishes = new WishedResources(resource)
  return async (onStanza, outer, onCut = () => {}) => {
    const tooLong = `logging in as ${bareJid(init.jid)} took longer than ${loginMsMax / 1000} s`
    using deadline = startDeadline(clock, loginMsMax, 'ERR_TIMEOUT', tooLong, outer)
    const { signal } = deadline
    const servers = given ?? (await findServers({ clock, resolver }, domain, signal))
    const socket = await dial({ clock, resolver, trust }, { domain, servers, where, signal })
    const entity = buildEntity({ username: local, domain, password, wishes, where, trust, stepMsMax: loginMsMax, signal })
    let reason: BytestreamError | undefined
    let isOnline = false
    let isClosing = false
    let isEnding = false
    const fail = (error: BytestreamError) => {
      reason ??= error
      hangUp(entity)
    }
    const outbox = openOutbox(entity, fail)
    const end = () => {
      // Closing the stream is told as a close too.
      if (isEnding) return
      isEnding = true
      outbox.flush()
      closeStream(clock, entity)
    }
    const closed = new Promise<BytestreamError | undefined>((settle) => {
      entity.once('disconnect', () => {
        // The library would go on waiting for the end of theirs, and keep the process alive.
        if (isEnding) entity.parser?.emit('end')
        reason ??= new BytestreamError('ERR_SESSION_CLOSED', `the server of ${domain} closed the connection`)
        settle(isClosing ? undefined : reason)
      })
    })
    guardInput(entity, fail, onCut)
    const failed = new Promise<never>((_, reject) => {
      entity.on('error', (error: unknown) => {
        reason ??= toError(error, init, isOnline)
        reject(reason)
      })
    })
    // The server has closed its stream, and waits for ours (RFC 6120 §4.4).
    entity.on('close', () => {
      if (!isClosing) end()
    })
    hearStanzas(entity, onStanza)

    signal.addEventListener('abort', () => fail(abortError(signal)))
    try {
      await orAbort(Promise.race([logIn(entity, socket), failed, closed.then((error) => Promise.reject(error))]), signal)
      isOnline = true
    } catch (thrown) {
      const error = reason ?? toError(thrown, init, isOnline)
      hangUp(entity)
      entity.emit('error', error) // Whatever still waits within the library gives up.
      wishes.failed()
      throw error
    }
    wishes.given(entity.jid?.resource ?? '')
    const send = (stanza: Element) => {
      if (isEnding) return // RFC 6120 §4.4: nothing follows the end of our stream, although more may come of theirs.
      outbox.put(writeXml(stanza))
      if (outbox.length + unsentBytes(entity) > BACKLOG_BYTES_MAX) fail(tooSlow(domain))
    }
    const keepAlive = new KeepAlive(clock, { to: domain, send, giveUp: (silenceMs) => fail(tooSilent(domain, silenceMs)) })
    entity.on('element', () => keepAlive.heard())
    void closed.then(() => keepAlive[Symbol.dispose]())
    return {
      jid: String(entity.jid),
      send,
      sendPiece: (stanzas) => (isEnding ? Promise.resolve(false) : outbox.putPiece(stanzas)),
      close() {
        isClosing = true
        end()
      },
      closed,
    }
  }
}

/** The resources a server is asked for: the account's own; or the one it has named before, and if it refuses that, any. */
class WishedResources {
  readonly #own: string
  #named = ''
  #isAsked = false

  constructor(own: string) {
    this.#own = own
  }

  /** In this order, one after the other until one is granted. '' leaves it to the server. */
  *ask(): Iterable<string> {
    this.#isAsked = true
    if (this.#own !== '') return yield this.#own
    if (this.#named !== '') yield this.#named
    yield ''
  }

  given(resource: string): void {
    this.#isAsked = false
    // One that adds something to what it is asked for would make it longer with each connection.
    if (this.#named === '' || !resource.includes(this.#named)) this.#named = resource
  }

  /** The connection came to nothing: if that was while the server was asked, it did not take it well. */
  failed(): void {
    if (this.#isAsked) this.#named = ''
    this.#isAsked = false
  }
}

/** Closes the stream properly; one that does not end in time is cut. Either way it is gone. */
function closeStream(clock: Clock, entity: Client): void {
  const cancel = clock.after(CLOSE_MS_MAX, () => hangUp(entity))
  void entity
    .stop()
    .catch(() => hangUp(entity))
    .finally(cancel)
}

/** What the library's `start` does, but for a promise of its own that nobody would hear fail. */
async function logIn(entity: Client, socket: Socket): Promise<void> {
  const online = new Promise((resolve) => entity.once('online', resolve))
  attach(entity, socket)
  await entity.open(entity.options)
  await online
}

/**
 * Tells of stanzas once the login is complete, those included that came with the last answer of it. Of streams before
 * the last one nothing counts: whoever sits on the way could speak there in anybody's name.
 */
function hearStanzas(entity: Client, onStanza: (stanza: Element) => void): void {
  let early: Element[] | undefined = []
  entity.on('open', () => {
    early &&= []
  })
  entity.on('stanza', (stanza: Element) => {
    if (!early) onStanza(stanza)
    else if (early.length < EARLY_MAX) early.push(stanza)
  })
  entity.once('online', () => {
    const heard = early ?? []
    early = undefined
    for (const stanza of heard) onStanza(stanza)
  })
}
