import type { JingleRole, JingleTransport } from '../../xep/index.ts'
import type { Bytestream } from '../bytestream.ts'

/** What the transport of a content has of its session. */
export interface TransportLink {
  readonly ownRole: JingleRole
  /** Full JIDs. */
  readonly ownJid: string
  readonly peer: string
  /**
   * Sends a transport-info.
   *
   * @returns settles when it was acknowledged
   * @throws StanzaError as the other side refused it; BytestreamError when there is nobody to send it to any more
   */
  sendInfo(transport: JingleTransport): Promise<void>
  /**
   * Asks for another transport in place of the one that was agreed.
   *
   * @returns the other side's, as its transport-accept has it
   * @throws BytestreamError `ERR_NO_VALID_STREAMS` for a transport-reject, `ERR_JINGLE_TIE_BREAK` when the other side's own
   *   replacement comes first, `ERR_TIMEOUT`
   */
  sendReplace(transport: JingleTransport): Promise<JingleTransport>
}

/** Our side of a content's transport. */
export interface TransportSide {
  /** What goes into the offer of a content, or its acceptance. */
  readonly description: JingleTransport
  /** Both sides want the content; `theirs` is the offer where we accept, the answer where we have offered. Called once. */
  begin(theirs: JingleTransport): void
  /** A transport-info, which may come before {@link begin}. A BytestreamError it throws is the answer. */
  receiveInfo(transport: JingleTransport): void
  /** The other side wants another transport. @returns what to accept it with; rejects to refuse it */
  receiveReplace(transport: JingleTransport): Promise<JingleTransport>
  /** The bytestream, in bounded time; rejects when there will be none, which ends the content. */
  readonly opened: Promise<Bytestream>
  /**
   * The content is over: nothing is opened any more. With an error a bytestream that is open is broken off, without one it
   * is left to those who use it. May be called at any time, and again.
   */
  close(error?: Error): void
}

/**
 * Makes our side of a content's transport, in bounded time.
 *
 * @param offered the other side's, where that has offered the content
 * @throws BytestreamError `ERR_NO_VALID_STREAMS` when there is no way to take what is offered
 */
export type OpenTransport = (link: TransportLink, offered: JingleTransport | undefined) => Promise<TransportSide>
