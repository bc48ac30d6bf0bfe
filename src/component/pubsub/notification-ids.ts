import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const MAC_CHARACTERS = 8
const ID = /^([0-9a-z]{1,11})-([A-Za-z0-9_-]{8})-[0-9a-z]{1,11}$/

/**
 * Ids of notifications, each another (XEP-0060 §12.4), from which the node can be read when one comes back: so nothing has to be
 * remembered of what was sent. Whoever never had a notification of a node cannot make one up.
 */
export class NotificationIds {
  readonly #key = randomBytes(32)
  #count = 0

  /** What the ids of a node begin with. */
  prefixOf(nodeId: number): string {
    return `${nodeId.toString(36)}-${this.#macOf(nodeId)}-`
  }

  next(prefix: string): string {
    this.#count += 1
    return `${prefix}${this.#count.toString(36)}`
  }

  /** The id of the node; `undefined` for what is no id of ours, since we began. */
  nodeOf(id: string): number | undefined {
    const [, node = '', mac = ''] = ID.exec(id) ?? []
    const nodeId = Number.parseInt(node, 36)
    return Number.isSafeInteger(nodeId) && timingSafeEqual(Buffer.from(mac), Buffer.from(this.#macOf(nodeId))) ? nodeId : undefined
  }

  #macOf(nodeId: number): string {
    return createHmac('sha256', this.#key).update(String(nodeId)).digest('base64url').slice(0, MAC_CHARACTERS)
  }
}
