import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { createInterface } from 'node:readline'
import type { ExecutionContext } from 'ava'
import { NS } from '../../src/xep/index.ts'
import { accountOf, DOMAIN, PROXY, startServer, type TestServer } from '../helpers/embedded-server.ts'
import { foreign } from '../helpers/foreign.ts'

const PYTHON = '/usr/bin/python3'

interface Fact {
  readonly event: 'online' | 'message' | 'failed'
  readonly from?: string
  readonly body?: string
}

/** A client of somebody else, driven through one of the scripts in `peers/`. */
class ForeignClient {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterableIterator<string[]>

  constructor(t: ExecutionContext, script: string, jid: string, password: string, { client }: TestServer) {
    const args = [`test/interop/peers/${script}`, jid, client.host, String(client.port)]
    this.#process = spawn(PYTHON, args, { env: { ...process.env, PASSWORD: password } })
    this.#lines = on(createInterface({ input: this.#process.stdout }), 'line', { close: ['close'] })
    const complaints: string[] = []
    this.#process.stderr.setEncoding('utf8').on('data', (text: string) => complaints.push(text))
    t.teardown(() => {
      this.#process.kill('SIGKILL')
      if (!t.passed) t.log(complaints.join(''))
    })
  }

  /** What the client tells next. */
  async next(): Promise<Fact> {
    const { value } = await this.#lines.next()
    return value ? (JSON.parse(value[0] as string) as Fact) : { event: 'failed' }
  }

  send(to: string, body: string): void {
    this.#process.stdin.write(`${JSON.stringify({ to, body })}\n`)
  }

  /** Logs out. */
  async close(): Promise<number> {
    this.#process.stdin.end()
    const [code] = await once(this.#process, 'exit')
    return code as number
  }
}

const romeo = accountOf('romeo')
const juliet = accountOf('juliet')

const testBoth = foreign('slixmpp and libpurple on the embedded server', ['slixmpp', 'libpurple'])

testBoth('slixmpp and libpurple log in and chat, in both directions', async (t) => {
  await using server = await startServer()
  const slixmpp = new ForeignClient(t, 'slixmpp-chat.py', `romeo@${DOMAIN}/slixmpp`, romeo.password, server)
  const purple = new ForeignClient(t, 'libpurple-chat.py', `juliet@${DOMAIN}/purple`, juliet.password, server)
  t.is((await slixmpp.next()).event, 'online')
  t.is((await purple.next()).event, 'online')

  slixmpp.send(`juliet@${DOMAIN}`, 'By a name <& "I"> know not how to tell thee who I am: 🌹')
  t.deepEqual(await purple.next(), {
    event: 'message',
    from: `romeo@${DOMAIN}/slixmpp`,
    body: 'By a name <& "I"> know not how to tell thee who I am: 🌹',
  })
  purple.send(`romeo@${DOMAIN}/slixmpp`, 'Art thou not Romeo <& a Montague>? 🌙')
  t.deepEqual(await slixmpp.next(), { event: 'message', from: `juliet@${DOMAIN}/purple`, body: 'Art thou not Romeo <& a Montague>? 🌙' })

  t.is(await slixmpp.close(), 0)
  t.is(await purple.close(), 0)
})

for (const [name, script] of [
  ['slixmpp', 'slixmpp-chat.py'],
  ['libpurple', 'libpurple-chat.py'],
] as const) {
  const test = foreign(`${name} on the embedded server`, [name])

  test(`${name} with a wrong password hears not-authorized, and says so`, async (t) => {
    await using server = await startServer()
    const client = new ForeignClient(t, script, `romeo@${DOMAIN}/x`, 'wrong', server)
    t.is((await client.next()).event, 'failed')
  })
}

const testPurple = foreign('libpurple and the components of the embedded server', ['libpurple'])

testPurple('libpurple finds a component in disco#items at login, and asks it what it is', async (t) => {
  await using server = await startServer()
  const proxy = await server.connectProxy()
  const purple = new ForeignClient(t, 'libpurple-chat.py', `juliet@${DOMAIN}/purple`, juliet.password, server)
  t.is((await purple.next()).event, 'online')
  let question = await proxy.next()
  while (question.name !== 'iq') question = await proxy.next()
  t.like(question.attrs, { from: `juliet@${DOMAIN}/purple`, to: PROXY, type: 'get' })
  t.truthy(question.getChild('query', NS.discoInfo))
  t.is(await purple.close(), 0)
})
