import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { Client } from '@xmpp/client-core'
import iqCaller from '@xmpp/iq/caller.js'
import middleware from '@xmpp/middleware'
import resourceBinding from '@xmpp/resource-binding'
import sasl from '@xmpp/sasl'
import streamFeatures, { type StreamFeatures } from '@xmpp/stream-features'
import tcp from '@xmpp/tcp'
import { BytestreamError, toBytestreamError } from '../core/index.ts'
import { secure, type Trust } from '../tls/index.ts'
import { buildStartTls, type Element, NS, parseMechanisms } from '../xep/index.ts'
import { Outbox } from './outbox.ts'
import { type Credentials, isSafeInTheClear, MECHANISMS, type MechanismName, startMechanism } from './sasl-mechanisms.ts'
import { StanzaGuard, serverStanzaLimits } from './stanza-guard.ts'

export interface EntityInit {
  readonly username: string
  readonly domain: string
  readonly password: string
  /** Gives the resources to ask for, until one is granted; '' leaves it to the server, which may give another in any case. */
  readonly wishes: { ask(): Iterable<string> }
  /** What the user calls the server. */
  readonly where: string
  readonly trust: Trust
  /** Milliseconds for each step of logging in. */
  readonly stepMsMax: number
  /** Ends the logging in. */
  readonly signal: AbortSignal
}

/**
 * `@xmpp/client` put together from its parts, leaving out those that would answer, reconnect or resume on their own:
 * {@link Session} does that (docs/adr/0003). It is given its socket by {@link attach}.
 */
export function buildEntity(init: EntityInit): Client {
  const { domain, username, password, wishes, stepMsMax } = init
  const entity = new Client({ service: domain, domain, timeout: stepMsMax })
  // It would be followed to wherever it points, before anything proves that the server said it.
  Reflect.set(entity, '_onSeeOtherHost', (error: unknown) => entity.emit('error', error))
  tcp({ entity })
  const chain = middleware({ entity })
  const features = streamFeatures({ middleware: chain })
  const caller = iqCaller({ middleware: chain, entity })
  entity.on('disconnect', () => {
    for (const { reject } of caller.handlers.values()) reject(new Error('the connection is gone'))
  })
  // The order is that of negotiation: XEP-0170 §2.
  upgrade({ entity, features, init })
  logIn({ entity, features, init }, { username, password })
  bind({ features, caller }, wishes)
  chain.use(({ stanza }, next) => {
    if (!stanza.is('features', NS.stream) || entity.jid) return next()
    // Somebody on the way may have taken out what the server offered.
    throw isEncrypted(entity) ? new BytestreamError('ERR_STREAM', `${init.where} offers nothing to go on with`) : unencrypted(init)
  })
  return entity
}

/** Lets the entity speak over a connected socket, which it owns from now on. */
export function attach(entity: Client, socket: Socket): void {
  const [Transport] = entity.transports
  entity.Transport = Transport
  entity.Parser = Transport?.prototype.Parser
  entity._attachSocket(socket)
}

/** Binds the first resource that the server does not refuse. @see RFC 6120 §7.7.3 */
function bind({ features, caller }: { features: StreamFeatures; caller: object }, wishes: EntityInit['wishes']): void {
  features.use('bind', NS.bind, async (...given) => {
    let refusal: unknown
    for (const resource of wishes.ask()) {
      try {
        return await binderOf(caller, resource)(...given)
      } catch (error) {
        if (!(error instanceof Error && error.name === 'StanzaError')) throw error
        refusal = error
      }
    }
    throw refusal
  })
}

/** What the library would do by itself, with one resource. */
function binderOf(caller: object, resource: string): Binder {
  let found: Binder | undefined
  const streamFeatures: StreamFeatures = {
    use(_name, _xmlns, binder) {
      found = binder
    },
  }
  resourceBinding({ iqCaller: caller, streamFeatures }, resource || undefined)
  return found as unknown as Binder
}

type Binder = Parameters<StreamFeatures['use']>[2]

interface Negotiation {
  readonly entity: Client
  readonly features: StreamFeatures
  readonly init: EntityInit
}

/** STARTTLS (RFC 6120 §5), wherever it is offered, but for a server on this machine that lets us in without. */
function upgrade({ entity, features, init: { domain, where, trust, signal } }: Negotiation): void {
  features.use('starttls', NS.tls, async ({ stanza }, next, feature) => {
    const { socket } = entity
    const isOptional = !feature.getChild('required') && parseMechanisms(stanza).some(isSafeInTheClear)
    if (!socket || isEncrypted(entity) || (isLoopback(entity) && isOptional && !trust.isExplicit && !trust.isInsecure)) return next()
    const answer = await entity.sendReceive(buildStartTls())
    if (!answer.is('proceed', NS.tls)) throw new BytestreamError('ERR_TLS', `${where} offers encryption (STARTTLS), and then refuses it`)
    const secured = await secure(socket, { domain, trust, signal }).catch((error: unknown) => {
      throw inWordsAbout(where, error)
    })
    entity._detachSocket()
    attach(entity, secured)
    await entity.restart()
    return undefined // What a handler returns is sent.
  })
}

function inWordsAbout(where: string, error: unknown): unknown {
  if (!(error instanceof BytestreamError) || error.code !== 'ERR_TLS') return error
  return new BytestreamError('ERR_TLS', `${where} cannot be trusted: ${error.message}`, { cause: error })
}

/** SASL with mechanisms of our own: the library's do not check what the server proves, and know ASCII passwords only. */
function logIn({ entity, features, init: { where, trust } }: Negotiation, credentials: Credentials): void {
  let mechanism: ReturnType<typeof startMechanism> | undefined
  const create = ([name]: readonly MechanismName[]) => {
    mechanism = name && startMechanism(name, credentials)
    return mechanism
  }
  sasl(
    { streamFeatures: features, saslFactory: { _mechs: MECHANISMS.map((name) => ({ name })), create } },
    async (authenticate, offered) => {
      if (!isEncrypted(entity) && (!isLoopback(entity) || trust.isExplicit)) throw unencrypted({ where })
      const name = offered.find((candidate) => isSafeInTheClear(candidate) || isVerified(entity))
      if (!name) {
        const without = isEncrypted(entity) ? 'a certificate that was checked' : 'encryption'
        throw new BytestreamError('ERR_AUTHENTICATION', `${where} offers no login that is safe without ${without}`)
      }
      let final = ''
      const onNonza = (element: Element) => {
        if (element.is('success', NS.sasl)) final = atob(element.text())
      }
      entity.on('nonza', onNonza)
      await authenticate({}, name).finally(() => entity.off('nonza', onNonza))
      mechanism?.succeed(final)
    },
  )
}

const unencrypted = ({ where }: Pick<EntityInit, 'where'>) =>
  new BytestreamError('ERR_TLS', `${where} offers no encryption (STARTTLS): nothing is sent to it in the clear`)

const isEncrypted = ({ socket }: Client) => socket instanceof TLSSocket

/** The server has shown a certificate of the domain that somebody we trust vouches for. */
const isVerified = ({ socket }: Client) => socket instanceof TLSSocket && socket.authorized

/** A server on this machine: nobody is on the way to it. */
function isLoopback({ socket }: Client): boolean {
  const address = socket?.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  return address === '::1' || address.startsWith('127.')
}

/** Octets that were sent but not yet taken by the system. */
export const unsentBytes = ({ socket }: Client) => socket?.writableLength ?? 0

/** What is said once it is logged in. @param onError hears why it cannot be said */
export function openOutbox(entity: Client, onError: (error: BytestreamError) => void): Outbox {
  const write = async (text: string) => {
    const { socket } = entity
    await entity.write(text)
    // A socket that broke off calls back without an error.
    return socket?.destroyed === false
  }
  return new Outbox((text, onDone) => {
    write(text).then(onDone, (error: unknown) => {
      onError(toBytestreamError(error, 'ERR_SESSION_CLOSED'))
      onDone(false)
    })
  })
}

/** Cuts the connection, whether TLS lies over it or not. */
export const hangUp = ({ socket }: Client) => void socket?.destroy()

/** What comes in the clear behind the consent to TLS was put there by somebody else (RFC 6120 §5.4.3.3). */
const injected = () => new BytestreamError('ERR_STREAM', 'there are octets between STARTTLS and TLS')

/**
 * Puts our guard before the library's parser, which also decodes UTF-8 across segments, as the library does not.
 *
 * @param onError hears of the first violation; nothing more is parsed after it
 */
export function guardInput(entity: Client, onError: (error: BytestreamError) => void, onCut: () => void): void {
  const guard = new StanzaGuard(serverStanzaLimits, onCut)
  let isDeaf = false
  let isUpgrading = false
  entity.on('status', (status: string) => {
    if (status !== 'opening') return
    guard.restart()
    isUpgrading = false
  })
  entity.on('close', () => {
    isDeaf = true // What comes behind the end of the stream is not looked at.
  })
  entity.on('nonza', (element: Element) => {
    isUpgrading ||= element.is('proceed', NS.tls)
  })
  Reflect.set(entity, '_onData', (octets: Buffer) => {
    if (isDeaf) return
    try {
      for (const text of guard.read(octets)) {
        if (isUpgrading) throw injected()
        entity.parser?.write(text)
      }
      if (isUpgrading && guard.isHolding) throw injected()
    } catch (thrown) {
      isDeaf = true
      onError(toBytestreamError(thrown, 'ERR_STREAM'))
    }
  })
}
