import { version } from '../core/index.ts'
import type { Health } from './health.ts'
import type { HttpPart } from './http-server.ts'

/**
 * `/healthz`: does this process answer? Whoever watches it starts it anew when not. `/readyz`: can it be used? Starting
 * it anew would not help when not.
 */
export function healthRoutes(health: Health): HttpPart {
  return (app, _, done) => {
    app.get('/healthz', () => ({ status: 'ok', version, uptimeSeconds: Math.round(health.uptimeMs / 100) / 10 }))
    app.get('/readyz', (_request, reply) => {
      const reasons = health.reasons()
      if (reasons.length === 0) return { status: 'ready' }
      reply.code(503)
      return { status: 'not ready', reasons }
    })
    done()
  }
}
