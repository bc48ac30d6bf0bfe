import type { ExpectedPeers } from './expected-peers.ts'
import type { FileContent } from './jingle/file-content.ts'
import type { Accepted, FileTaker } from './jingle/file-sessions.ts'
import { Responder, type ResponderEvents } from './responder.ts'
import type { Transfer } from './transfer.ts'

/** Facts. */
export interface FileResponderEvents extends ResponderEvents {
  /** What the other side began was accepted. */
  transfer: [transfer: Transfer]
}

/**
 * Takes part in transfers that others begin, until it is stopped. Iterating over it gives each transfer as it begins.
 */
export abstract class FileResponder<Events extends FileResponderEvents & Record<keyof Events, unknown[]>>
  extends Responder<Events>
  implements FileTaker
{
  /** @internal */
  protected abstract readonly peers: ExpectedPeers

  /** Who may begin one, prepared. */
  get expected(): readonly string[] {
    return this.peers.all
  }

  /** Whether somebody may begin one at all; which, is decided file by file. */
  isExpected(from: string): boolean {
    return this.peers.has(from)
  }

  /** @internal */
  abstract admit(from: string): Disposable

  /** @internal */
  abstract take(content: FileContent): Promise<Accepted>
}
