import type { BytestreamProxy, PublishSubscribe } from '../component/index.ts'
import type { HostPort } from '../config/index.ts'
import type { Clock, Logger } from '../core/index.ts'
import type { Session } from '../session/index.ts'
import type { Streamhost } from '../streamhost/index.ts'
import { Health } from './health.ts'
import { healthRoutes } from './health-routes.ts'
import { HttpServer } from './http-server.ts'
import { Metrics } from './metrics.ts'
import { metricsRoutes } from './metrics-routes.ts'

export interface MonitorComponents {
  readonly clock: Clock
  readonly logger: Logger
  /** None where no bytestreams are relayed. */
  readonly streamhost: Streamhost | undefined
}

/** What a component consists of. */
export interface Watched {
  /** One for each address of the component. */
  readonly sessions: readonly Session[]
  readonly proxy?: BytestreamProxy | undefined
  readonly pubsub?: PublishSubscribe | undefined
}

/** What tells over HTTP how the service is. It changes nothing, and asks nobody who is asking. */
export class Monitor {
  readonly #health: Health
  readonly #metrics: Metrics
  readonly #server: HttpServer

  constructor({ clock, logger, streamhost }: MonitorComponents) {
    this.#health = new Health({ clock, streamhost })
    this.#metrics = new Metrics({ streamhost, health: this.#health })
    this.#server = new HttpServer({ logger }, { parts: [healthRoutes(this.#health), metricsRoutes(this.#metrics)] })
  }

  /**
   * @returns where it listens
   * @throws BytestreamError `ERR_LISTEN`
   */
  listen(at: HostPort): Promise<HostPort> {
    return this.#server.listen(at)
  }

  /** Follows the component, from before its session starts. */
  watch({ sessions, proxy, pubsub }: Watched): void {
    for (const session of sessions) this.#health.watch(session)
    if (proxy) this.#metrics.watch(proxy)
    if (pubsub) this.#metrics.watchPubsub(pubsub)
  }

  /** Says from now on that the service is not to be used anymore. */
  stop(): void {
    this.#health.stop()
  }

  async close(): Promise<void> {
    await this.#server.close()
  }
}
