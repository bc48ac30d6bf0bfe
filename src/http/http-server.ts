import { lookup } from 'node:dns/promises'
import type { AddressInfo } from 'node:net'
import fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyPluginCallback,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import type { HostPort } from '../config/index.ts'
import { BytestreamError, type Logger } from '../core/index.ts'
import { type HttpLimits, httpLimits } from './limits.ts'

/** Routes that belong together. */
export type HttpPart = FastifyPluginCallback

export interface HttpServerInit {
  readonly parts: readonly HttpPart[]
  readonly limits?: Partial<HttpLimits>
}

/** How often Node looks for requests that take too long. */
const LOOK_MS = 1_000

/** Answers HTTP, within its limits, with what its parts answer. Nothing it says is for a cache to keep. */
export class HttpServer {
  readonly #app: FastifyInstance
  readonly #logger: Logger

  constructor({ logger }: { logger: Logger }, { parts, limits }: HttpServerInit) {
    const { connectionsMax, headerBytesMax, headersMsMax, requestMsMax, quietMsMax } = { ...httpLimits, ...limits }
    this.#logger = logger
    this.#app = fastify({
      connectionTimeout: quietMsMax,
      keepAliveTimeout: quietMsMax,
      requestTimeout: requestMsMax,
      // Closing waits for nobody.
      forceCloseConnections: true,
      http: { headersTimeout: headersMsMax, maxHeaderSize: headerBytesMax, connectionsCheckingInterval: LOOK_MS },
      frameworkErrors: (error, _, reply) => this.#fail(error, reply),
    })
    this.#app.server.maxConnections = connectionsMax
    this.#app.addHook('onRequest', (request, reply, done) => this.#receive(request, reply, done))
    this.#app.setErrorHandler<FastifyError>((error, _, reply) => this.#fail(error, reply))
    for (const part of parts) this.#app.register(part)
  }

  /**
   * @param at `*` as its host: every address of this machine
   * @returns where it listens
   * @throws BytestreamError `ERR_LISTEN`
   */
  async listen({ host, port }: HostPort): Promise<HostPort> {
    try {
      // Without an address Node takes every one of both families, or of the one there is. With a name fastify might listen
      // several times, and keep to our limits at the first only.
      const { address } = host === '*' ? { address: '' } : await lookup(host, { order: 'ipv4first' })
      await this.#app.listen({ host: address, port })
    } catch (cause) {
      throw new BytestreamError('ERR_LISTEN', `cannot listen on ${host} port ${port} for HTTP: ${(cause as Error).message}`, { cause })
    }
    this.#app.server.on('error', (error) => this.#logger.error({ err: error }, 'accepting an HTTP connection failed'))
    const bound = this.#app.server.address() as AddressInfo
    return { host: bound.address, port: bound.port }
  }

  async close(): Promise<void> {
    await this.#app.close()
  }

  /** What nobody answers is refused before its body is read. */
  #receive(request: FastifyRequest, reply: FastifyReply, done: () => void): void {
    reply.header('cache-control', 'no-store')
    if (!request.is404) return done()
    const [url = ''] = request.url.split('?')
    if (this.#app.hasRoute({ method: 'GET', url })) reply.code(405).header('allow', 'GET, HEAD').send({ error: 'method not allowed' })
    else reply.code(404).send({ error: 'not found' })
  }

  /** Tells the other side whose fault it was, and the log the rest. */
  #fail(error: FastifyError, reply: FastifyReply): void {
    const { statusCode = 500 } = error
    const isOurs = statusCode >= 500
    if (isOurs) this.#logger.error({ err: error }, 'an HTTP request could not be answered')
    reply
      .code(statusCode)
      .header('cache-control', 'no-store')
      .send({ error: isOurs ? 'internal error' : 'bad request' })
  }
}
