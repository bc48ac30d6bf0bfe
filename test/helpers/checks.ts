import { type CheckComponents, type CheckResult, type CheckTimings, checkProxy, type Verdict } from '../../src/check/index.ts'
import { clientConnector, Session } from '../../src/session/index.ts'
import type { ServerUnderTest } from './server.ts'
import { steadyClock } from './steady-clock.ts'

/** Every answer comes, however late; octets are short enough awaited to wait for those that never come. */
const quick: Partial<CheckTimings> = { answerMsMax: 30_000, quietMsMax: 1_500 }

/** Of all checks, and of those who are logged in for them. */
const clock = steadyClock()

/** Logged in once for all tests of a server; the end of the server is theirs. */
const participants = new WeakMap<ServerUnderTest, Promise<CheckComponents>>()

async function logIn({ client, account, domain }: ServerUnderTest, local: string): Promise<Session> {
  const service = `xmpp://${client.host}:${client.port}`
  const init = { jid: `${local}@${domain}`, password: account(local).password, service }
  const session = new Session({ clock }, clientConnector(clock, init), { reconnect: 'never' })
  await session.start()
  return session
}

async function logAllIn(server: ServerUnderTest): Promise<CheckComponents> {
  return { session: await logIn(server, 'juliet'), peer: await logIn(server, 'juliet'), stranger: await logIn(server, 'nurse') }
}

/** Juliet, a second device of hers, and the nurse as the stranger. */
function participantsOf(server: ServerUnderTest): Promise<CheckComponents> {
  const known = participants.get(server) ?? logAllIn(server)
  participants.set(server, known)
  return known
}

/** Everything a check of `proxy` finds, asked by juliet. */
export async function check(
  server: ServerUnderTest,
  proxy: string,
  other: Partial<CheckComponents> = {},
  timings: Partial<CheckTimings> = quick,
): Promise<CheckResult[]> {
  const components = { ...(await participantsOf(server)), clock, ...other }
  const results: CheckResult[] = []
  for await (const result of checkProxy(components, { proxy, timings })) results.push(result)
  return results
}

/** The probes that did not pass, with what became of them. */
export function notPassed(results: readonly CheckResult[]): Record<string, Verdict> {
  return Object.fromEntries(results.filter(({ verdict }) => verdict !== 'passed').map(({ probe, verdict }) => [probe, verdict]))
}
