import { Client } from '@xmpp/client-core'
import iqCaller from '@xmpp/iq/caller.js'
import middleware from '@xmpp/middleware'
import resolve from '@xmpp/resolve'
import resourceBinding from '@xmpp/resource-binding'
import sasl from '@xmpp/sasl'
import starttls from '@xmpp/starttls'
import streamFeatures from '@xmpp/stream-features'
import tcp from '@xmpp/tcp'
import tls from '@xmpp/tls'
import { BytestreamError, toBytestreamError } from '../core/index.ts'
import { type Element, NS } from '../xep/index.ts'
import { type Credentials, MECHANISMS, type MechanismName, startMechanism } from './sasl-mechanisms.ts'
import { StanzaGuard, serverStanzaLimits } from './stanza-guard.ts'

export interface EntityInit {
  readonly username: string
  readonly domain: string
  readonly password: string
  /** Asked for; the server may give another. */
  readonly resource: string
  /** `xmpp://HOST:PORT` or `xmpps://HOST:PORT`; found by DNS (RFC 6120 §3.2, XEP-0368) where it is left out. */
  readonly service: string | undefined
  /** Milliseconds for each step of logging in. */
  readonly stepMsMax: number
}

/**
 * `@xmpp/client` put together from its parts, leaving out those that would answer, reconnect or resume on their own:
 * {@link Session} does that (docs/adr/0003).
 */
export function buildEntity({ username, domain, password, resource, service, stepMsMax }: EntityInit): Client {
  const entity = new Client({ service: service ?? domain, domain, timeout: stepMsMax })
  // It would be followed to wherever it points, before anything proves that the server said it.
  Reflect.set(entity, '_onSeeOtherHost', (error: unknown) => entity.emit('error', error))
  tcp({ entity })
  tls({ entity })
  resolve({ entity })
  const chain = middleware({ entity })
  const features = streamFeatures({ middleware: chain })
  const caller = iqCaller({ middleware: chain, entity })
  entity.on('disconnect', () => {
    for (const { reject } of caller.handlers.values()) reject(new Error('the connection is gone'))
  })
  // The order is that of negotiation: XEP-0170 §2.
  starttls({ streamFeatures: features })
  logIn({ entity, features, domain }, { username, password })
  resourceBinding({ iqCaller: caller, streamFeatures: features }, resource || undefined)
  return entity
}

/** SASL with mechanisms of our own: the library's do not check what the server proves, and know ASCII passwords only. */
function logIn({ entity, features, domain }: { entity: Client; features: object; domain: string }, credentials: Credentials): void {
  let mechanism: ReturnType<typeof startMechanism> | undefined
  const create = ([name]: readonly MechanismName[]) => {
    mechanism = name && startMechanism(name, credentials)
    return mechanism
  }
  sasl(
    { streamFeatures: features, saslFactory: { _mechs: MECHANISMS.map((name) => ({ name })), create } },
    async (authenticate, offered) => {
      if (!entity.isSecure() && !isLoopback(entity)) {
        throw new BytestreamError(
          'ERR_AUTHENTICATION',
          `the server of ${domain} offers no encryption (STARTTLS): nothing is sent to it in the clear`,
        )
      }
      const name = offered.find((candidate) => candidate !== 'PLAIN' || entity.isSecure())
      if (!name) throw new BytestreamError('ERR_AUTHENTICATION', `the server of ${domain} offers no login that is safe without encryption`)
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

/** A server on this machine: nobody is on the way to it. */
function isLoopback({ socket }: Client): boolean {
  const address = socket?.remoteAddress?.replace(/^::ffff:/, '') ?? ''
  return address === '::1' || address.startsWith('127.')
}

/** Octets that were sent but not yet taken by the system. */
export function unsentBytes({ socket }: Client): number {
  return socket?.writableLength ?? socket?.socket?.writableLength ?? 0
}

/** Cuts the connection, whether TLS lies over it or not. */
export function hangUp({ socket }: Client): void {
  if (socket?.destroy) socket.destroy()
  else socket?.socket?.destroy()
}

/**
 * Puts our guard before the library's parser, which also decodes UTF-8 across segments, as the library does not.
 *
 * @param onError hears of the first violation; nothing more is parsed after it
 */
export function guardInput(entity: Client, onError: (error: BytestreamError) => void): void {
  const guard = new StanzaGuard(serverStanzaLimits)
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
        // What comes in the clear behind the consent to TLS was put there by somebody else (RFC 6120 §5.4.3.3).
        if (isUpgrading && text.trim() !== '') throw new BytestreamError('ERR_STREAM', 'there are octets between STARTTLS and TLS')
        entity.parser?.write(text)
      }
    } catch (thrown) {
      isDeaf = true
      onError(toBytestreamError(thrown, 'ERR_STREAM'))
    }
  })
}
