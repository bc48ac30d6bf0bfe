import { BytestreamError, type Clock, type Logger, startDeadline, toBytestreamError } from '../core/index.ts'
import { ownAddressTowards } from './gateway-address.ts'
import { isPrivateAddress } from './private-address.ts'
import { findNatPmp, findUpnp, LEASE_MS, loadLibrary, type Place, type Router } from './routers.ts'

/** Milliseconds NAT-PMP has, whose router is known and answers at once, or not at all. */
const NAT_PMP_MS_MAX = 1_000
/** The same for UPnP, whose routers have to be looked for. */
const UPNP_MS_MAX = 3_000
/** For a port to be mapped, by a router that was found. */
const MAP_MS_MAX = 2_000
/** For a mapping to be taken back. */
const UNMAP_MS_MAX = 2_000
/** Milliseconds after a renewal failed, until the next. */
const AGAIN_MS = 60_000
/** Milliseconds it is remembered that no router maps ports. */
const FAILURE_REMEMBERED_MS = 5 * 60_000

/** A port of a router that leads to one of this machine, until it is disposed of. */
export interface PortMapping extends AsyncDisposable {
  /** Where others find it. */
  readonly outside: Place
}

interface PortMapperComponents {
  readonly clock: Clock
  readonly logger: Logger
}

/**
 * Has the router of this network lead a port to this machine: by NAT-PMP where the router of the default route speaks it, else
 * by UPnP. Disposing of it takes back what is mapped still.
 *
 * @see RFC 6886; UPnP Forum, Internet Gateway Device 2
 */
export class PortMapper implements AsyncDisposable {
  readonly #components: PortMapperComponents
  readonly #mappings = new Set<AsyncDisposable>()
  readonly #closing = new AbortController()
  #router: Promise<Router> | undefined
  #failedUntilMs = Number.NEGATIVE_INFINITY

  constructor(components: PortMapperComponents) {
    this.#components = components
  }

  /**
   * @returns the address of this machine in the network of the router, where to listen
   * @throws BytestreamError `ERR_UNREACHABLE`: why no port will be mapped
   */
  async ownHost(): Promise<string> {
    const { host } = await this.#find()
    const own = ownAddressTowards(host)
    if (own === undefined) throw new BytestreamError('ERR_UNREACHABLE', `this machine has no address in the network of its router ${host}`)
    return own
  }

  /**
   * Maps a port, and renews the mapping while it is wanted.
   *
   * @throws BytestreamError `ERR_UNREACHABLE`: why not
   */
  async map(own: Place): Promise<PortMapping> {
    const router = await this.#find()
    const outside = await this.#ask(router, own, own.port).catch((thrown: unknown) => {
      this.#forget()
      throw thrown
    })
    const mapping = this.#keep(router, own, outside)
    if (isPrivateAddress(outside.host)) {
      await mapping[Symbol.asyncDispose]()
      throw new BytestreamError('ERR_UNREACHABLE', `the router ${router.host} is behind another one: its own address is ${outside.host}`)
    }
    if (this.#closing.signal.aborted) await mapping[Symbol.asyncDispose]()
    return mapping
  }

  /** Takes back every mapping, in bounded time. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new BytestreamError('ERR_ABORTED', 'no ports are mapped any more'))
    await Promise.all([...this.#mappings].map((mapping) => mapping[Symbol.asyncDispose]()))
    this.#forget()
  }

  /** Looked for once, also when several ask; that there is none is remembered for a while. */
  #find(): Promise<Router> {
    if (this.#router && this.#components.clock.now() >= this.#failedUntilMs) this.#router = undefined
    if (!this.#router) {
      const router = this.#search()
      this.#router = router
      this.#failedUntilMs = Number.POSITIVE_INFINITY
      router.catch(() => {
        this.#failedUntilMs = this.#components.clock.now() + FAILURE_REMEMBERED_MS
      })
    }
    return this.#router
  }

  #forget(): void {
    void this.#router?.then(
      (router) => router[Symbol.dispose](),
      () => {},
    )
    this.#router = undefined
  }

  async #search(): Promise<Router> {
    const reasons: string[] = []
    await loadLibrary().catch(() => {}) // What that takes is no router's fault; where it fails, that is said below.
    for (const [protocol, find, ms] of [
      ['NAT-PMP', findNatPmp, NAT_PMP_MS_MAX],
      ['UPnP', findUpnp, UPNP_MS_MAX],
    ] as const) {
      try {
        return await this.#within(ms, `no answer within ${ms / 1000} s`, find)
      } catch (thrown) {
        reasons.push(`${protocol}: ${toBytestreamError(thrown).message}`)
      }
    }
    throw new BytestreamError('ERR_UNREACHABLE', `no router maps ports (${reasons.join('; ')})`)
  }

  async #ask(router: Router, own: Place, wanted: number): Promise<Place> {
    try {
      return await this.#within(MAP_MS_MAX, `no answer within ${MAP_MS_MAX / 1000} s`, (signal) => router.map(own, wanted, signal))
    } catch (cause) {
      const { message } = toBytestreamError(cause)
      throw new BytestreamError('ERR_UNREACHABLE', `the router ${router.host} maps no port by ${router.protocol}: ${message}`, { cause })
    }
  }

  #keep(router: Router, own: Place, outside: Place): PortMapping {
    const { clock, logger } = this.#components
    const { protocol, host: remoteAddress } = router
    let isOver = false
    let cancel = () => {}
    const renewIn = (ms: number) => {
      if (!isOver) cancel = clock.after(ms, () => void renew().then(renewIn))
    }
    /** @returns milliseconds until the next time */
    const renew = async () => {
      try {
        await this.#ask(router, own, outside.port)
        return LEASE_MS / 2
      } catch (thrown) {
        logger.warn({ remoteAddress, protocol, reason: toBytestreamError(thrown).message }, 'the mapping of a port was not renewed')
        return AGAIN_MS
      }
    }
    renewIn(LEASE_MS / 2)
    const mapping: PortMapping = {
      outside,
      [Symbol.asyncDispose]: async () => {
        if (isOver) return
        isOver = true
        cancel()
        using deadline = startDeadline(clock, UNMAP_MS_MAX, 'ERR_TIMEOUT', `no answer within ${UNMAP_MS_MAX / 1000} s`)
        await router.unmap(own.port, deadline.signal).catch((thrown: unknown) => {
          logger.warn({ remoteAddress, protocol, reason: toBytestreamError(thrown).message }, 'the mapping of a port was not taken back')
        })
        this.#mappings.delete(mapping)
      },
    }
    this.#mappings.add(mapping)
    return mapping
  }

  async #within<T>(ms: number, message: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    using deadline = startDeadline(this.#components.clock, ms, 'ERR_TIMEOUT', message, this.#closing.signal)
    return await work(deadline.signal)
  }
}
