import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

const MAC_CHARACTERS = 8
/** Of as many nodes it is kept what their ids begin with: it costs more than a notification does. */
const PREFIXES_MAX = 1000
const ID = /^([0-9a-z]{1,11})-([A-Za-z0-9_-]{8})-[0-9a-z]{1,11}$/

/**
 * Ids of notifications, each another (XEP-0060 §12.4), from which the node can be read when one comes back: so nothing has to be
 * remembered of what was sent. Whoever never had a notification of a node cannot make one up.
 */
export class NotificationIds {
  readonly #key = randomBytes(32)
  /** Of nodes, those that were told of last at the end. */
  readonly #prefixes = new Map<number, string>()
  #count = 0

  /** What the ids of a node begin with. */
  prefixOf(nodeId: number): string {
    const prefix = this.#prefixes.get(nodeId) ?? `${nodeId.toString(36)}-${this.#macOf(nodeId)}-`
    this.#prefixes.delete(nodeId)
    this.#prefixes.set(nodeId, prefix)
    if (this.#prefixes.size > PREFIXES_MAX) this.#prefixes.delete(this.#prefixes.keys().next().value as number)
    return prefix
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
