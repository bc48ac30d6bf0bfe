import type { BytestreamProxy, PublishSubscribe } from '../component/index.ts'
import { type ErrorCode, version } from '../core/index.ts'
import type { Streamhost, StreamhostLimits } from '../streamhost/index.ts'
import type { Health } from './health.ts'
import { Instruments, metric } from './instruments.ts'
import { tellPubsub } from './pubsub-metrics.ts'

export interface MetricsComponents {
  /** None where no bytestreams are relayed. */
  readonly streamhost: Streamhost | undefined
  readonly health: Pick<Health, 'isComponentOnline'>
}

// Labels are codes of ours and words below: never a name or an address, which others could make up without end.
const OK = 'ok'
const addressErrors: readonly ErrorCode[] = ['ERR_FORBIDDEN', 'ERR_NOT_A_STREAMHOST']
const activationErrors: readonly ErrorCode[] = [
  ...(['ERR_FORBIDDEN', 'ERR_BAD_REQUEST', 'ERR_JID_MALFORMED', 'ERR_BYTESTREAM_UNKNOWN'] as const),
  ...(['ERR_PEER_MISSING', 'ERR_SHUTTING_DOWN', 'ERR_INTERNAL'] as const),
]
const refusals: readonly ErrorCode[] = [
  ...(['ERR_SOCKS5_MALFORMED', 'ERR_SOCKS5_METHOD', 'ERR_SOCKS5_COMMAND', 'ERR_SOCKS5_ADDRESS_TYPE'] as const),
  ...(['ERR_SOCKS5_DST_ADDR', 'ERR_HANDSHAKE_TIMEOUT', 'ERR_PLACES_TAKEN', 'ERR_TIMEOUT', 'ERR_SHUTTING_DOWN'] as const),
  ...(['ERR_LIMIT_SOCKETS', 'ERR_LIMIT_SOURCE_SOCKETS', 'ERR_LIMIT_HALF_OPEN'] as const),
  ...(['ERR_LIMIT_WAITING', 'ERR_LIMIT_READ_AHEAD'] as const),
]

/** Each limit, so that what is used can be set against it. Times are told in seconds. */
const limits: Readonly<Record<keyof StreamhostLimits, readonly [name: string, help: string]>> = {
  openSocketsMax: ['open_sockets_max', 'SOCKS5 sockets that may be open'],
  halfOpenMax: ['half_open_sockets_max', 'SOCKS5 sockets that may be in their handshake'],
  waitingMax: ['waiting_sockets_max', 'SOCKS5 sockets that may wait for activation'],
  openPerSourceMax: ['open_sockets_per_source_max', 'SOCKS5 sockets of one source that may be open'],
  halfOpenPerSourceMax: ['half_open_sockets_per_source_max', 'SOCKS5 sockets of one source that may be in their handshake'],
  perDstAddrMax: ['sockets_per_dst_addr_max', 'SOCKS5 sockets that may wait under one DST.ADDR'],
  readAheadBytesMax: ['read_ahead_max_bytes', 'Octets that may be read before activation'],
  relayMemoryBytesMax: ['relay_memory_max_bytes', 'Memory TCP may take of the machine before the buffers of bytestreams are made small'],
  handshakeMsMax: ['handshake_max_seconds', 'Time a SOCKS5 handshake may take'],
  waitingMsMax: ['waiting_max_seconds', 'Time a SOCKS5 socket may wait for activation'],
  idleMsMax: ['idle_max_seconds', 'Time without an octet until a bytestream is broken off'],
}

const KIB = 2 ** 10
const MIB = 2 ** 20
const GIB = 2 ** 30
const SETUP_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
const DURATION_SECONDS = [0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600, 14_400]
const SIZE_BYTES = [KIB, 16 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB, GIB, 4 * GIB, 16 * GIB]
const BYTES_PER_SECOND = [16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB, 256 * MIB, GIB]

/** What the service tells in numbers. A table of it is in docs/metrics.md. */
export class Metrics {
  readonly #instruments = new Instruments()
  #addressAsked = (_result: string): void => {}
  #activationAsked = (_result: string): void => {}

  constructor({ streamhost, health }: MetricsComponents) {
    const use = this.#instruments
    use.info(metric('info', 'Version of the program, what moves the octets, and why it is not the native engine'), {
      ...{ version, engine: streamhost?.engine ?? '', engine_reason: streamhost?.engineReason ?? '' },
    })
    use.gauge(metric('component_online', '1 while the component is connected to the XMPP server'), () => Number(health.isComponentOnline))
    if (streamhost) this.#tellStreamhost(streamhost)
  }

  get contentType(): string {
    return this.#instruments.contentType
  }

  text(): Promise<string> {
    return this.#instruments.text()
  }

  /** Counts what the proxy is asked. */
  watch(proxy: BytestreamProxy): void {
    proxy.on('addressAsked', ({ code = OK }) => this.#addressAsked(code))
    proxy.on('activationRefused', ({ code }) => this.#activationAsked(code))
    proxy.on('activationAsked', ({ code = OK }) => this.#activationAsked(code))
  }

  /** Tells of publish-subscribe, from now on. */
  watchPubsub(part: PublishSubscribe): void {
    tellPubsub(this.#instruments, part)
  }

  #tellStreamhost(streamhost: Streamhost): void {
    const use = this.#instruments
    this.#addressAsked = use.eventsBy({
      ...metric('address_queries_total', 'Questions for the address of the proxy (XEP-0065 §4), by result'),
      ...{ label: 'result', known: [OK, ...addressErrors] },
    })
    this.#activationAsked = use.eventsBy({
      ...metric('activations_total', 'Requests to activate a bytestream (XEP-0065 §6.3.5), by result'),
      ...{ label: 'result', known: [OK, ...activationErrors] },
    })
    this.#tellSockets(streamhost)
    this.#tellBytestreams(streamhost)
    for (const [field, [name, help]] of Object.entries(limits)) {
      const value = streamhost.limits[field as keyof StreamhostLimits] / (field.endsWith('MsMax') ? 1000 : 1)
      use.gauge(metric(name, help), () => value)
    }
  }

  #tellSockets(streamhost: Streamhost): void {
    const use = this.#instruments
    use.gauge(metric('open_sockets', 'SOCKS5 sockets that are open'), () => streamhost.gauges().openSockets)
    use.gauge(metric('half_open_sockets', 'SOCKS5 sockets in their handshake'), () => streamhost.gauges().halfOpen)
    use.gauge(metric('waiting_sockets', 'SOCKS5 sockets that wait for activation'), () => streamhost.gauges().waiting)
    use.gauge(metric('read_ahead_bytes', 'Octets read before activation, and held'), () => streamhost.gauges().readAheadBytes)
    use.counter(
      metric('sockets_accepted_total', 'SOCKS5 sockets accepted, those turned away at once included'),
      () => streamhost.counters.accepted,
    )
    use.counter(metric('sockets_admitted_total', 'SOCKS5 sockets that got a place'), () => streamhost.counters.admitted)
    use.counterBy(
      {
        ...metric('refusals_total', 'SOCKS5 sockets that were turned away, or lost their place, by reason'),
        ...{ label: 'reason', known: refusals },
      },
      () => streamhost.counters.refusals,
    )
  }

  #tellBytestreams(streamhost: Streamhost): void {
    const use = this.#instruments
    use.gauge(metric('active_bytestreams', 'Bytestreams that are relayed'), () => streamhost.gauges().active)
    use.counter(metric('bytestreams_activated_total', 'Bytestreams that were activated'), () => streamhost.counters.activated)
    use.counterBy(
      { ...metric('bytestreams_ended_total', 'Bytestreams that are over, by how they ended'), ...{ label: 'end', known: [] } },
      () => streamhost.counters.ended,
    )
    use.counterBy(
      {
        ...metric('relayed_bytes_total', 'Octets relayed, of running bytestreams too, by direction'),
        ...{ label: 'direction', known: [] },
      },
      () => {
        const { firstToSecondBytes, secondToFirstBytes } = streamhost.counters
        return { first_to_second: firstToSecondBytes, second_to_first: secondToFirstBytes }
      },
    )
    const setUp = use.histogram(
      metric('setup_seconds', 'From the first socket of a pair having its place to the activation'),
      SETUP_SECONDS,
    )
    const duration = use.histogram(metric('bytestream_seconds', 'From the activation of a bytestream to its end'), DURATION_SECONDS)
    const size = use.histogram(metric('bytestream_bytes', 'Octets of a bytestream, both directions together'), SIZE_BYTES)
    const throughput = use.histogram(
      metric('bytestream_throughput_bytes_per_second', 'Octets of a bytestream that had any, by its duration'),
      BYTES_PER_SECOND,
    )
    streamhost.on('activated', ({ waitedMs }) => setUp(waitedMs / 1000))
    streamhost.on('closed', ({ totals, durationMs }) => {
      const bytes = totals.firstToSecond + totals.secondToFirst
      duration(durationMs / 1000)
      size(bytes)
      if (bytes > 0 && durationMs > 0) throughput((bytes * 1000) / durationMs)
    })
  }
}
