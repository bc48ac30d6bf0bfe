import type { BytestreamError } from '../core/index.ts'
import type { Element } from '../xep/index.ts'

/** One logged-in XMPP stream, whoever opened it. */
export interface Connection {
  /** The address this connection speaks as. */
  readonly jid: string
  /** Does not wait until it has left. */
  send(stanza: Element): void
  /**
   * Sends one of many pieces: stanzas, written already, each with all its addresses.
   *
   * @returns in a later turn of the event loop, whether the system has taken it; if not, part of it may have left
   */
  sendPiece(stanzas: string): Promise<boolean>
  /** Closes the stream properly. */
  close(): void
  /** Settles when the stream is gone, with the reason where it was not we who closed it. Never rejects. */
  readonly closed: Promise<BytestreamError | undefined>
}

/**
 * Opens a connection and logs in.
 *
 * @param onStanza hears every stanza that comes, from the first moment on
 * @param onCut hears of each that comes without its content, since it was over a limit
 * @throws BytestreamError `ERR_UNREACHABLE`, `ERR_TLS`, `ERR_TIMEOUT`, `ERR_AUTHENTICATION`, `ERR_HOST_UNKNOWN`, `ERR_REPLACED`,
 *   `ERR_STREAM`, `ERR_ABORTED`
 */
export type Connect = (onStanza: (stanza: Element) => void, signal: AbortSignal, onCut?: () => void) => Promise<Connection>
