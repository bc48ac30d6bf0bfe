import type { Address } from './raw-client.ts'

/** What an HTTP server answered. */
export interface Answer {
  readonly status: number
  readonly contentType: string | null
  readonly body: string
}

const urlOf = ({ host, port }: Address, path: string) => `http://${host.includes(':') ? `[${host}]` : host}:${port}${path}`

/** Asks over a connection of its own, so that none is left. */
export async function get(at: Address, path: string): Promise<Answer> {
  const answer = await fetch(urlOf(at, path), { headers: { connection: 'close' } })
  return { status: answer.status, contentType: answer.headers.get('content-type'), body: await answer.text() }
}

/** Why a service is not ready: the codes, and the one sentence of each; nothing when it is. */
export async function notReady(at: Address): Promise<Readonly<Record<string, string>>> {
  const { status, body } = await get(at, '/readyz')
  if (status === 200 && body === '{"status":"ready"}') return {}
  const { status: word, reasons } = JSON.parse(body) as { status: string; reasons: readonly { code: string; text: string }[] }
  if (status !== 503 || word !== 'not ready' || reasons.length === 0) throw new Error(`neither ready nor not: ${status} ${body}`)
  return Object.fromEntries(reasons.map(({ code, text }) => [code, text]))
}
