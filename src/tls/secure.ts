import { isIP, type Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { abortError, BytestreamError } from '../core/index.ts'
import { type Trust, VERSION_MIN } from './trust.ts'
import { checkDomain, explain, toAscii } from './verdict.ts'

export interface TlsFacts {
  /** Who the other side has to be. */
  readonly domain: string
  readonly trust: Trust
  /** Protocol to agree on (RFC 7301), such as `xmpp-client`. */
  readonly alpn?: string
  readonly signal: AbortSignal
}

/**
 * Lays TLS over a connected socket, as the client, and checks whom it leads to. Takes the socket over; when it fails,
 * the socket is destroyed.
 *
 * @returns whose `authorized` is true unless any certificate will do and this one would not have
 * @throws BytestreamError `ERR_TLS`, with a reason that fits behind the name of the other side; `ERR_ABORTED`
 */
export function secure(socket: Socket, { domain, trust, alpn, signal }: TlsFacts): Promise<TLSSocket> {
  // What breaks it breaks the TLS over it, which tells.
  socket.on('error', () => {})
  return new Promise<TLSSocket>((resolve, reject) => {
    const secured = connect({
      socket,
      secureContext: trust.context,
      minVersion: VERSION_MIN,
      rejectUnauthorized: !trust.isInsecure,
      checkServerIdentity: (_, certificate) => checkDomain(domain, certificate),
      // RFC 6066 §3: an address is no server name.
      ...(isIP(domain) === 0 && { servername: toAscii(domain) }),
      ...(alpn !== undefined && { ALPNProtocols: [alpn] }),
    })
    const settle = (step: () => void) => {
      signal.removeEventListener('abort', onAbort)
      secured.off('secureConnect', onSecure).off('error', onError).off('close', onClose)
      step()
    }
    const fail = (error: BytestreamError) =>
      settle(() => {
        // What else it raises was caused by giving it up.
        secured.on('error', () => {}).destroy()
        socket.destroy()
        reject(error)
      })
    const onAbort = () => fail(abortError(signal))
    const onError = (error: Error) => fail(new BytestreamError('ERR_TLS', explain(error, domain, trust.isExplicit), { cause: error }))
    const onClose = () => fail(new BytestreamError('ERR_TLS', 'it hung up instead of beginning with TLS'))
    const onSecure = () => settle(() => resolve(secured))
    secured.once('secureConnect', onSecure).once('error', onError).once('close', onClose)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
  })
}
