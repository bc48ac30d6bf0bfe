import { connect, type Socket } from 'node:net'
import { abortError, BytestreamError, orAbort, toBytestreamError } from '../../core/index.ts'
import { ClientHandshake, type DstAddr } from '../../socks5/index.ts'
import { guardedLookup, isOpenDestination, type MayConnect } from './destinations.ts'
import type { ProxyFinder } from './proxies.ts'

const KEEP_ALIVE_MS = 60_000
/** For one address of a host that has several, before the next is tried; Node's 250 ms are too few for slow links. */
const ADDRESS_MS_MAX = 2_500

/**
 * Opens a SOCKS5 connection to a streamhost.
 *
 * @param signal ends the attempt; afterwards the socket is the caller's
 * @param mayConnect decides about each of its addresses; left out where it was no stranger who named it
 * @returns a paused socket, half-close allowed, whose next octet is the first of the bytestream
 * @throws BytestreamError `ERR_DESTINATION`, `ERR_UNREACHABLE`, `ERR_SOCKS5_MALFORMED`, `ERR_SOCKS5_METHOD`, `ERR_SOCKS5_REFUSED`, or the reason of `signal`
 * @see XEP-0065 §5.3.2, RFC 1928
 */
export function connectToStreamhost(
  { host, port }: { host: string; port: number },
  dstAddr: DstAddr,
  signal: AbortSignal,
  mayConnect?: MayConnect,
): Promise<Socket> {
  return new Promise<Socket>((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal))
    const lookup = mayConnect && { lookup: guardedLookup({ host, port }, mayConnect) }
    const handshake = new ClientHandshake(dstAddr)
    const socket = connect({
      host,
      port,
      allowHalfOpen: true,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      autoSelectFamilyAttemptTimeout: ADDRESS_MS_MAX,
      ...lookup,
    })
    const at = `${host}:${port}`

    const stop = () => {
      signal.removeEventListener('abort', onAbort)
      socket.off('connect', onConnect).off('data', onData).off('end', onEnd).off('error', onError)
    }
    const fail = (error: BytestreamError) => {
      stop()
      socket.destroy()
      reject(error)
    }
    const onAbort = () => fail(abortError(signal))
    const onConnect = () => socket.write(handshake.start())
    const onError = (cause: Error) => fail(unreachable(at, cause))
    const onEnd = () => fail(new BytestreamError('ERR_UNREACHABLE', `${at} hung up during the SOCKS5 handshake`))
    const onData = (octets: Buffer) => {
      try {
        const { request, early } = handshake.push(octets)
        if (request) socket.write(request)
        if (early === undefined) return
        stop()
        socket.pause()
        if (early.length > 0) socket.unshift(early)
        resolve(socket)
      } catch (thrown) {
        const error = toBytestreamError(thrown)
        fail(new BytestreamError(error.code, `${at}: ${error.message}`, { cause: error }))
      }
    }
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('error', () => {}) // Stays: whoever gets the socket may not be listening yet when it breaks.
    socket.on('connect', onConnect).on('data', onData).on('end', onEnd).on('error', onError)
    return undefined
  })
}

function unreachable(at: string, cause: Error): BytestreamError {
  if (cause instanceof BytestreamError) return cause
  return new BytestreamError('ERR_UNREACHABLE', `${at} cannot be reached: ${cause.message}`, { cause })
}

/** Where strangers may point us. */
export interface Reach {
  /** Default: {@link isOpenDestination}. */
  readonly mayConnect?: MayConnect | undefined
  /** Those of the account's own server are no strangers' word: they may be anywhere, such as on this machine. */
  readonly proxies?: Pick<ProxyFinder, 'find'> | undefined
}

/**
 * Opens a SOCKS5 connection to a streamhost that the other side of a bytestream has named.
 *
 * @throws BytestreamError as {@link connectToStreamhost} does, `ERR_DESTINATION` for where nobody is led by others
 */
export async function connectToNamedStreamhost(
  { host, port }: { host: string; port: number },
  dstAddr: DstAddr,
  signal: AbortSignal,
  { mayConnect = isOpenDestination, proxies }: Reach,
): Promise<Socket> {
  try {
    return await connectToStreamhost({ host, port }, dstAddr, signal, mayConnect)
  } catch (thrown) {
    if (toBytestreamError(thrown).code !== 'ERR_DESTINATION' || !proxies) throw thrown
    const own = (await orAbort(proxies.find(), signal)).flatMap(({ streamhosts }) => streamhosts)
    if (!own.some((streamhost) => streamhost.host === host && streamhost.port === port)) throw thrown
    return connectToStreamhost({ host, port }, dstAddr, signal)
  }
}
