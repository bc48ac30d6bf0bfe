import { type Clock, domainOf, StanzaError, softwareUri } from '../../core/index.ts'
import type { Session } from '../../session/index.ts'
import { buildDiscoInfoRequest, type Capabilities, capabilitiesVersion, type DiscoInfo, NS, parseDiscoInfo } from '../../xep/index.ts'
import type { Resource } from './availability.ts'
import { BoundedMap } from './bounded-map.ts'
import { type Abilities, abilitiesOf, ownProgram, plainClient } from './consumers.ts'

/** Milliseconds for a device, or a server, to say what it can. */
const ANSWER_MS_MAX = 10_000
/** Answers that are kept, by the hash that presence tells of them. */
const KNOWN_MAX = 1_000
/** Devices that are remembered to be programs, should they not answer the next time. */
const PROGRAMS_MAX = 10_000
/** Servers of which it is kept what they do with messages, and for how long. */
const SERVERS_MAX = 1_000
const SERVER_MS = 3_600_000
/** For how long a server that could not be asked is taken for one that does nothing: whoever is there is not to wait for it each time. */
const SERVER_UNKNOWN_MS = 60_000

export interface ConsumerAbilitiesComponents {
  /** Borrowed. */
  readonly session: Session
  readonly clock: Clock
}

interface KnownServer {
  readonly hasAmp: boolean
  readonly untilMs: number
}

/**
 * Finds out what a device can take: by service discovery, once for all whose presence tells the same hash of it (XEP-0115), if the answer
 * has that hash.
 */
export class ConsumerAbilities {
  readonly #components: ConsumerAbilitiesComponents
  /** By hash. */
  readonly #known = new BoundedMap<string, Abilities>(KNOWN_MAX)
  /** By what it said last, which is another object each time. */
  readonly #asked = new WeakMap<Resource, Abilities>()
  readonly #programs = new BoundedMap<string, Abilities>(PROGRAMS_MAX)
  readonly #servers = new BoundedMap<string, KnownServer>(SERVERS_MAX)

  constructor(components: ConsumerAbilitiesComponents) {
    this.#components = components
  }

  /**
   * @returns `undefined` where nobody is there
   * @throws BytestreamError where it could not be asked: there is no connection
   */
  async of(resource: Resource): Promise<Abilities | undefined> {
    const { jid, capabilities } = resource
    const known = this.#asked.get(resource) ?? (capabilities && this.#known.get(capabilities.ver))
    if (known) return known
    try {
      const info = await this.#ask(jid)
      const abilities = abilitiesOf(info)
      this.#asked.set(resource, abilities)
      // XEP-0115 §5.4: what does not have the hash it claims to have is believed of nobody else.
      if (capabilities && capabilitiesVersion(info) === capabilities.ver) this.#known.set(capabilities.ver, abilities)
      if (abilities.reads === 'events') this.#programs.set(jid, abilities)
      return abilities
    } catch (thrown) {
      return this.#without(thrown, jid, capabilities)
    }
  }

  /** Whether the server of an account understands what is to become of messages it cannot deliver (XEP-0079). */
  async hasAmp(account: string): Promise<boolean> {
    const { clock } = this.#components
    const domain = domainOf(account)
    const known = this.#servers.get(domain)
    if (known && clock.now() < known.untilMs) return known.hasAmp
    const { hasAmp, ms } = await this.#askServer(domain)
    this.#servers.set(domain, { hasAmp, untilMs: clock.now() + ms })
    return hasAmp
  }

  /** @returns with the milliseconds for which that is remembered: any answer of the server itself, or that there was none */
  async #askServer(domain: string): Promise<{ readonly hasAmp: boolean; readonly ms: number }> {
    try {
      const { features } = await this.#ask(domain)
      return { hasAmp: features.includes(NS.amp), ms: SERVER_MS }
    } catch (thrown) {
      const isAnswer = thrown instanceof StanzaError && FROM_SERVER.includes(thrown.condition)
      return { hasAmp: false, ms: isAnswer ? SERVER_MS : SERVER_UNKNOWN_MS }
    }
  }

  async #ask(to: string): Promise<DiscoInfo> {
    const { session } = this.#components
    const answer = await session.request({ type: 'get', to, payload: buildDiscoInfoRequest() }, { answerMsMax: ANSWER_MS_MAX })
    return answer ? parseDiscoInfo(answer) : noInfo
  }

  /** Nobody is made to read what is for programs, nor a program to read what is for people, because of an answer that was late. */
  #without(thrown: unknown, jid: string, capabilities: Capabilities | undefined): Abilities | undefined {
    if (thrown instanceof StanzaError) {
      // Clients that know nothing of service discovery say so with the condition of servers where nobody is.
      if (thrown.absence !== undefined && thrown.condition !== 'service-unavailable') return undefined
    } else if (!this.#components.session.isOnline) throw thrown
    return this.#programs.get(jid) ?? (capabilities?.node === softwareUri ? ownProgram : plainClient)
  }
}

/** By these a server says that it does not know, or does not tell, what it can. */
const FROM_SERVER: readonly string[] = ['feature-not-implemented', 'service-unavailable', 'forbidden', 'not-allowed']

const noInfo: DiscoInfo = { identities: [], features: [] }
