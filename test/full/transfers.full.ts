// Goal: our two ends against each other, by each negotiation, each way and at each size where something changes; and in band
// through servers that limit the rate, as Debian configures them.

import { randomBytes } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import type { SendInit } from '../../src/transfer/index.ts'
import { DOMAIN } from '../helpers/prosody.ts'
import { ejabberd, embedded, onServer, prosody, type ServerUnderTest } from '../helpers/server.ts'
import { filesIn, makeFolder, nextTransfer, sha256Of } from '../helpers/transfers.ts'
import { networkOn } from '../helpers/xmpp-network.ts'

const MIB = 1024 * 1024
const SMALL_SIZES = [0, 1, 65_535, 65_536, 65_537]
const negotiations = ['si', 'jingle'] as const
const methods = ['direct', 'proxy', 'ibb'] as const
const cells = negotiations.flatMap((negotiation) => methods.map((method) => ({ negotiation, method, label: `${negotiation}-${method}` })))

/** Moves a file of each size from one account to another, and looks at what has arrived. */
async function move(
  t: ExecutionContext,
  server: ServerUnderTest,
  label: string,
  sizes: readonly number[],
  init: Pick<SendInit, 'negotiation' | 'method' | 'proxy' | 'ownHosts'>,
): Promise<void> {
  const network = networkOn(t, server)
  const [folder, inbox] = [await makeFolder(t), join(await makeFolder(t), 'inbox')]
  const receiving = (await network.connect(`${label}-to`)).receive({ into: inbox, from: [`${label}-from@${DOMAIN}`] })
  const sender = await network.connect(`${label}-from`)
  for (const size of sizes) {
    const path = join(folder, `${size}.bin`)
    await writeFile(path, randomBytes(size))
    const sha256 = await sha256Of(path)
    const incoming = nextTransfer(receiving)
    const sending = sender.send(path, { to: `${label}-to@${DOMAIN}`, ...init })
    const opened: unknown[] = []
    sending.on('opened', (facts) => void opened.push(facts.negotiation, facts.method))
    const [sent, received] = await Promise.all([sending.done, (await incoming).done])
    t.like(sent, { size, sha256, confirmed: true })
    t.like(received, { size, sha256, verified: 'sha-256' })
    t.is(await sha256Of(received.path), sha256)
    t.deepEqual(opened, [init.negotiation, init.method])
  }
  t.is((await filesIn(inbox)).length, sizes.length)
}

const accounts = cells.flatMap(({ label }) => [`${label}-from`, `${label}-to`])
const components = cells.map(({ label }) => `${label}.${DOMAIN}`)

onServer(embedded, 'all ways', { accounts, components }, (test) => {
  for (const { negotiation, method, label } of cells) {
    test(`files of all sizes by ${negotiation}, ${method}`, async (t, server) => {
      t.timeout(300_000)
      const proxy = `${label}.${DOMAIN}`
      const { streamhost } = await networkOn(t, server).startProxy(proxy)
      const sizes = [...SMALL_SIZES, method === 'ibb' ? 4 * MIB : 100 * MIB]
      const where = { direct: { ownHosts: ['127.0.0.1'] }, proxy: { proxy }, ibb: {} }[method]
      await move(t, server, label, sizes, { negotiation, method, ...where })
      t.is(streamhost.counters.activated, method === 'proxy' ? sizes.length : 0)
    })
  }
})

for (const kind of [prosody, ejabberd]) {
  onServer(kind, 'limited rates', { accounts: ['slow-from', 'slow-to'], isRateLimited: true }, (test) => {
    test('a file of 256 KiB in band by Jingle, at the rate Debian lets a client send', async (t, server) => {
      t.timeout(300_000)
      await move(t, server, 'slow', [256 * 1024], { negotiation: 'jingle', method: 'ibb' })
    })
  })
}
