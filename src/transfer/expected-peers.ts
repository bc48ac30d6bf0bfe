import { bareJid, prepareJid } from '../core/index.ts'

/** Whom something is open to: bare JIDs, or full ones for a single resource. */
export class ExpectedPeers {
  readonly #jids: ReadonlySet<string>

  /** @throws BytestreamError `ERR_JID_MALFORMED` for one of them */
  constructor(jids: readonly string[]) {
    this.#jids = new Set(jids.map(prepareJid))
  }

  /** Prepared. */
  get all(): readonly string[] {
    return [...this.#jids]
  }

  /** @param from prepared */
  has(from: string): boolean {
    return this.#jids.has(from) || this.#jids.has(bareJid(from))
  }
}
