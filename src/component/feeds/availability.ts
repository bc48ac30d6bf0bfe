import { EventEmitter } from 'node:events'
import { bareJid } from '../../core/index.ts'
import type { PresenceStore, ResourceRecord } from '../../pubsub/index.ts'
import type { Capabilities } from '../../xep/index.ts'

/** A device of a subscriber that is there. */
export interface Resource extends ResourceRecord {
  /** What its presence says of what it can (XEP-0115), if anything. */
  readonly capabilities: Capabilities | undefined
}

/** What a device tells with its presence; a probe of its server tells nothing. */
export interface PresenceOfResource {
  readonly priority?: number
  readonly capabilities?: Capabilities | undefined
}

export interface AvailabilityEvents {
  /** A device has shown that it is there: for the first time, or again, which may be another log-in of the same name. */
  available: [resource: Resource]
  unavailable: [{ account: string; jid: string }]
}

export interface AvailabilityComponents {
  /** Borrowed. What is in it at the beginning counts only once it has been heard of again. */
  readonly store: Pick<PresenceStore, 'putResource' | 'removeResource'>
  /** Whether an account has anything to be told: of others nothing is kept. */
  readonly isSubscriber: (account: string) => boolean
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

/** Devices of one account; of more, those that have been there longest are forgotten. */
const RESOURCES_PER_ACCOUNT_MAX = 16
/** Devices of all accounts; of more, those of the account that has been heard of least recently are forgotten. */
const RESOURCES_MAX = 200_000

/**
 * Who of the subscribers is there, device by device: whoever has sent presence to the service or to a feed, or been announced by a probe of
 * its server. Not all say when they go: who has granted a feed its presence does, and who has sent it to it by name; of others it shows
 * when what is sent to them comes back.
 */
export class Availability extends EventEmitter<AvailabilityEvents> {
  readonly #components: Required<AvailabilityComponents>
  /** By account, the one that was heard of last at the end; its devices by JID. */
  readonly #accounts = new Map<string, Map<string, Resource>>()
  #size = 0

  constructor({ now = Date.now, ...components }: AvailabilityComponents) {
    super()
    this.#components = { now, ...components }
  }

  /** Devices that are there. */
  get size(): number {
    return this.#size
  }

  /** Those of an account, in the order in which they came. */
  resourcesOf(account: string): readonly Resource[] {
    return [...(this.#accounts.get(account)?.values() ?? [])]
  }

  /** A device is there. @param jid full; a bare one is of no device */
  appeared(jid: string, { priority, capabilities }: PresenceOfResource = {}): void {
    const account = bareJid(jid)
    if (jid === account || !this.#components.isSubscriber(account)) return
    const devices = this.#accounts.get(account) ?? new Map<string, Resource>()
    const known = devices.get(jid)
    const sinceMs = known?.sinceMs ?? this.#components.now()
    const told = { priority: priority ?? known?.priority ?? 0, capabilities: capabilities ?? known?.capabilities }
    const resource: Resource = { jid, account, sinceMs, ...told }
    this.#accounts.delete(account)
    this.#accounts.set(account, devices.set(jid, resource))
    if (!known) this.#size += 1
    if (known?.priority !== resource.priority) this.#components.store.putResource({ jid, account, sinceMs, priority: resource.priority })
    this.#makeRoom(devices)
    this.emit('available', resource)
  }

  /** A device is gone; of a bare JID, all of them. */
  vanished(jid: string): void {
    const account = bareJid(jid)
    const devices = this.#accounts.get(account)
    for (const each of jid === account ? [...(devices?.keys() ?? [])] : [jid]) this.#remove(account, each)
  }

  /** Nothing is heard any more: who is there has to be found out again. What is kept stays. */
  lost(): void {
    for (const [account, devices] of [...this.#accounts]) {
      this.#accounts.delete(account)
      this.#size -= devices.size
      for (const jid of devices.keys()) this.emit('unavailable', { account, jid })
    }
  }

  #makeRoom(devices: Map<string, Resource>): void {
    const [oldest] = devices.values()
    if (oldest && devices.size > RESOURCES_PER_ACCOUNT_MAX) this.#remove(oldest.account, oldest.jid)
    const [quietest] = this.#accounts.keys()
    if (quietest !== undefined && this.#size > RESOURCES_MAX) this.vanished(quietest)
  }

  #remove(account: string, jid: string): void {
    const devices = this.#accounts.get(account)
    if (!devices?.delete(jid)) return
    if (devices.size === 0) this.#accounts.delete(account)
    this.#size -= 1
    this.#components.store.removeResource(jid)
    this.emit('unavailable', { account, jid })
  }
}
