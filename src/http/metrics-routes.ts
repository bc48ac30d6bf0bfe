import type { HttpPart } from './http-server.ts'
import type { Metrics } from './metrics.ts'

/** `/metrics`, for Prometheus and what reads its text format. */
export function metricsRoutes(metrics: Metrics): HttpPart {
  return (app, _, done) => {
    app.get('/metrics', (_request, reply) => {
      reply.type(metrics.contentType)
      return metrics.text()
    })
    done()
  }
}
