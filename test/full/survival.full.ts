// Goal: a transfer of 500 MiB that is disturbed at 40 % finishes by itself, or by the same command, and hardly anything is sent twice.
// Method: `send`, `receive`, and Prosody with `serve`, on three hosts (network namespaces); the proxy moves 40 MiB a second, and is the
// only way. What was sent is what the proxy has relayed, and where that was killed what the sender has counted.

import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Cli } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { type LongWay, startLongWay } from '../helpers/long-way.ts'
import { partReaches } from '../helpers/part-watch.ts'
import { prosody } from '../helpers/server.ts'
import { filesIn, type LargeFile, makeFolder, makeLargeFile, sha256Of } from '../helpers/transfers.ts'

const MIB = 2 ** 20
const SIZE = 500 * MIB
const DISTURBED_AT = 0.4 * SIZE
/** Octets that may be sent in all. */
const SENT_MAX = 1.05 * SIZE

const test = foreign('a transfer that is disturbed', ['prosody', 'namespaces'])

/** Who is at work. */
interface Commands {
  send: Cli
  receive: Cli
}

interface Trial {
  readonly method?: 'proxy' | 'auto'
  readonly retries?: number
  /** Whether the connection survives. */
  readonly survives?: boolean
  /** What is done at 40 %: `again` starts a command as it was started first. */
  readonly disturb: (way: LongWay, commands: Commands, again: { send: () => Cli; receive: () => Cli }) => Promise<void>
  /** Whether the proxy cannot tell how much it has relayed. */
  readonly isProxyKilled?: boolean
}

const kill = async ({ child, ended }: Cli) => {
  child.kill('SIGKILL')
  await ended
}

const trials: Readonly<Record<string, Trial>> = {
  'the link is down for 20 s, which the connection survives': {
    survives: true,
    async disturb(way) {
      await way.unplug()
      await setTimeout(20_000)
      await way.plugIn()
    },
  },
  'the link is down for 120 s, which the connection does not survive': {
    retries: 5,
    async disturb(way) {
      await way.unplug()
      await setTimeout(120_000)
      await way.plugIn()
    },
  },
  'the proxy is killed, and started again once the sender has noticed': {
    isProxyKilled: true,
    async disturb(way, { send }) {
      await way.killProxy()
      await send.event('interrupted')
      await way.startProxy()
    },
  },
  'the proxy is killed, and started again, where any way may be taken': {
    method: 'auto',
    isProxyKilled: true,
    async disturb(way) {
      await way.killProxy()
      await way.startProxy()
    },
  },
  'the receiver is killed, and started again by the same command': {
    async disturb(_, commands, { receive }) {
      await kill(commands.receive)
      commands.receive = receive()
    },
  },
  'the sender is killed, and started again by the same command': {
    async disturb(_, commands, { send }) {
      await kill(commands.send)
      commands.send = send()
    },
  },
}

let file: LargeFile
const ends: (() => unknown)[] = []
test.before('a file of 500 MiB', async () => {
  file = await makeLargeFile({ teardown: (end) => void ends.push(end) }, SIZE)
})
test.after.always('which goes', () => Promise.all(ends.map((end) => end())))

for (const [what, { method = 'proxy', retries, survives = false, disturb, isProxyKilled = false }] of Object.entries(trials)) {
  test.serial(`500 MiB arrive when at 40 % ${what}`, async (t) => {
    t.timeout(300_000)
    const way = await startLongWay(t, prosody, { rate: '40MiB', ...(retries !== undefined && { retries }) })
    const into = await makeFolder(t)
    const again = { send: () => way.send(file.path, '--method', method), receive: () => way.receive(into) }
    const receive = again.receive()
    await receive.event('ready')
    const commands = { send: again.send(), receive }
    await partReaches(into, DISTURBED_AT)
    await disturb(way, commands, again)

    const received = await commands.receive.event('received')
    const sent = (await commands.send.event('sent')) as { attempts: number; movedBytes: number; resumedFrom: number }
    const { code, stdout, stderr } = await commands.send.ended
    t.is(code, 0, stderr)
    t.like(sent, { sha256: file.sha256, confirmed: true })
    t.like(received, { path: join(into, 'file.bin'), sha256: file.sha256 })
    t.is(await sha256Of(join(into, 'file.bin')), file.sha256)
    t.deepEqual(await filesIn(into), ['file.bin'])
    const relayed = isProxyKilled ? 0 : await way.stopProxy()
    t.log(
      `attempts ${sent.attempts}, resumed from ${(sent.resumedFrom / MIB).toFixed(1)} MiB, sent ${(sent.movedBytes / MIB).toFixed(1)} MiB, relayed ${(relayed / MIB).toFixed(1)} MiB`,
    )
    t.true(sent.movedBytes <= SENT_MAX && relayed <= SENT_MAX)
    if (!isProxyKilled) t.true(relayed >= SIZE)
    const resumed = stdout
      .split('\n')
      .filter((line) => line.startsWith('{"event":"resumed"'))
      .map((line) => JSON.parse(line))
    if (survives) t.deepEqual(resumed, [])
    else t.true(resumed.at(-1)?.offset >= DISTURBED_AT, stdout)
  })
}
