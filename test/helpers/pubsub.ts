import { type Asker, type Broadcast, MemoryStore, type Notice, Pubsub, type PubsubInit, type PubsubStore } from '../../src/pubsub/index.ts'

export const OWNER = 'hamlet@denmark.lit'
export const FRIEND = 'horatio@denmark.lit'
export const STRANGER = 'francisco@denmark.lit'

/** Somebody at a device. */
export const by = (account: string): Asker => ({ jid: `${account}/device` })

/** A service whose clock a test moves, and whose ids can be told in advance. */
export class PubsubScene {
  nowMs = 1_000_000
  readonly store: PubsubStore
  readonly pubsub: Pubsub
  #ids = 0

  constructor(init: PubsubInit = {}, store: PubsubStore = new MemoryStore()) {
    this.store = store
    this.pubsub = new Pubsub({ store, now: () => this.nowMs, newId: () => `id-${++this.#ids}` }, init)
  }

  /** Lets so many milliseconds pass. */
  pass(ms: number): void {
    this.nowMs += ms
  }

  /** Everybody a notice is for, in the order of telling: what is noted behind the JID. */
  told(notice: Notice): string[] {
    if ('to' in notice) return [...notice.to]
    if (notice.kind === 'queued') return [...notice.accounts]
    return [...this.pubsub.audience(notice)].flat().map((recipient) => {
      if (typeof recipient === 'string') return recipient
      const { jid, subids, collection } = recipient
      return [jid, ...subids.map((subid) => `#${subid}`), ...(collection === undefined ? [] : [`via ${collection}`])].join(' ')
    })
  }

  /** Everybody who hears that something was published. */
  publish(node: string, id: string, by = OWNER): string[] {
    const items = [{ id, payload: `<${id}/>` }]
    const notice = this.pubsub.publish({ jid: `${by}/device` }, { node, items }).notices.find(({ kind }) => kind === 'published')
    return notice ? this.told(notice as Broadcast) : []
  }
}
