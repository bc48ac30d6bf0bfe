import { connect as connectSocket } from 'node:net'
import { BytestreamError, type Clock, type ErrorCode, startDeadline } from '../core/index.ts'
import {
  attribute,
  buildHandshake,
  componentStreamHeader,
  type Element,
  handshakeDigest,
  parseStreamError,
  type StreamErrorReason,
} from '../xep/index.ts'
import type { Connect, Connection } from './connection.ts'
import { KeepAlive } from './keep-alive.ts'
import { serverStanzaLimits } from './stanza-guard.ts'
import { XmlStream } from './xml-stream.ts'

/** A component, and where its server is. */
export interface ComponentInit {
  /** The component's address, as the server knows it. */
  readonly jid: string
  readonly secret: string
  /** The server's port for components. */
  readonly service: { readonly host: string; readonly port: number }
  /** Milliseconds for connecting and the handshake together. Default 10,000. */
  readonly loginMsMax?: number
}

/** For one address of a host that has several, before the next is tried; Node's 250 ms are too few for slow links. */
const ADDRESS_MS_MAX = 2_500
const LOGIN_MS_MAX = 10_000
/** How long a server may take to close its side after we closed ours. */
const CLOSE_MS_MAX = 2_000

/** What a stream error means for a component, before and after it is logged in. */
function toError({ condition, text }: StreamErrorReason, { jid, service }: ComponentInit, isOnline: boolean): BytestreamError {
  const at = `${service.host}:${service.port}`
  const said = `(${condition}${text && `: ${text}`})`
  const [code, sentence]: [ErrorCode, string] =
    // ejabberd says this of an address it does not know, too.
    condition === 'not-authorized'
      ? [
          'ERR_AUTHENTICATION',
          `the server at ${at} refuses the secret for ${jid} ${said}; compare secret and address with the server's configuration`,
        ]
      : condition === 'host-unknown'
        ? ['ERR_HOST_UNKNOWN', `the server at ${at} does not know a component ${jid} ${said}; add it to the server's configuration`]
        : condition === 'conflict' && isOnline
          ? ['ERR_REPLACED', `another connection took over ${jid} ${said}; only one program can serve an address`]
          : condition === 'conflict'
            ? ['ERR_STREAM', `another connection already serves ${jid} at ${at} ${said}`]
            : ['ERR_STREAM', `the server at ${at} ended the stream ${said}`]
  return new BytestreamError(code, sentence)
}

/**
 * Connects as an external component: stream header, handshake, then stanzas.
 *
 * @see XEP-0114 §3, jabber:component:accept
 */
export function componentConnector(clock: Clock, init: ComponentInit): Connect {
  return (onStanza, outer, onCut = () => {}) =>
    new Promise<Connection>((resolve, reject) => {
      const { jid, secret, service, loginMsMax = LOGIN_MS_MAX } = init
      const at = `${service.host}:${service.port}`
      const deadline = startDeadline(
        clock,
        loginMsMax,
        'ERR_TIMEOUT',
        `the server at ${at} did not finish the component handshake within ${loginMsMax / 1000} s`,
        outer,
      )
      const socket = connectSocket({ ...service, autoSelectFamilyAttemptTimeout: ADDRESS_MS_MAX })
      const stream = new XmlStream(socket, { limits: serverStanzaLimits, clock })
      stream.on('cut', onCut)
      let isConnected = false
      /** From the end of the handshake on. */
      let keepAlive: KeepAlive | undefined
      let isClosing = false
      let reason: BytestreamError | undefined

      const closed = new Promise<BytestreamError | undefined>((settle) => {
        stream.once('closed', (error) => {
          deadline[Symbol.dispose]()
          keepAlive?.[Symbol.dispose]()
          if (!isConnected && error)
            reason ??= new BytestreamError('ERR_UNREACHABLE', `no server answers at ${at}: ${error.message}`, { cause: error })
          reason ??= error ?? new BytestreamError('ERR_SESSION_CLOSED', `the server at ${at} closed the connection`)
          if (!keepAlive) reject(reason)
          settle(isClosing ? undefined : reason)
        })
      })
      const close = () => {
        isClosing = true
        stream.end()
        stream.once(
          'closed',
          clock.after(CLOSE_MS_MAX, () => stream.destroy()),
        )
      }
      const giveUp = (silenceMs: number) => {
        reason ??= new BytestreamError('ERR_TIMEOUT', `the server at ${at} has said nothing for ${silenceMs / 1000} s`)
        stream.destroy()
      }
      deadline.signal.addEventListener('abort', () => {
        reason ??= deadline.signal.reason as BytestreamError
        stream.destroy()
      })
      socket.once('connect', () => {
        isConnected = true
        stream.send(componentStreamHeader(jid))
      })
      stream.on('header', (header) => {
        stream.send(buildHandshake(handshakeDigest(attribute(header, 'id') ?? '', secret)))
      })
      stream.on('element', (element: Element) => {
        keepAlive?.heard()
        const streamError = parseStreamError(element)
        if (streamError) {
          reason ??= toError(streamError, init, keepAlive !== undefined)
          stream.end()
        } else if (keepAlive) {
          onStanza(element)
        } else if (element.name === 'handshake') {
          deadline[Symbol.dispose]()
          keepAlive = new KeepAlive(clock, { from: jid, to: jid, send: (ping) => stream.send(ping), giveUp })
          const sendPiece = (stanzas: string) => stream.sendPiece(stanzas)
          resolve({ jid, send: (stanza) => stream.send(withSender(stanza, jid)), sendPiece, close, closed })
        }
      })
    })
}

/** XEP-0114 §3: a component says of every stanza which of its addresses it is from. */
function withSender(stanza: Element, jid: string): Element {
  stanza.attrs['from'] ??= jid
  return stanza
}
