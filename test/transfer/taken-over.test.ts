// Goal: an account that logs in twice with the same resource ends what its first session sends, in words, and neither fights for it; what
// needs the session no more arrives.
// Method: the proxy lets so little pass that the file is under way when the second session comes.

import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import type { ExecutionContext } from 'ava'
import { hurriedClock } from '../helpers/hurried-clock.ts'
import { DOMAIN } from '../helpers/prosody.ts'
import { onEachServer, type ServerUnderTest } from '../helpers/server.ts'
import { filesIn, makeFile, makeFolder, moved, nextTransfer } from '../helpers/transfers.ts'
import { networkOn } from '../helpers/xmpp-network.ts'

const MIB = 2 ** 20

const negotiations = ['si', 'jingle'] as const
const accounts = negotiations.flatMap((label) => [`${label}-from`, `${label}-to`])
const components = negotiations.map((label) => `${label}.${DOMAIN}`)

/** A file is under way when another session takes the resource of its sender. */
async function takeOver(t: ExecutionContext, server: ServerUnderTest, negotiation: (typeof negotiations)[number]) {
  const network = networkOn(t, server)
  const [from, to, proxy] = [`${negotiation}-from@${DOMAIN}`, `${negotiation}-to@${DOMAIN}`, `${negotiation}.${DOMAIN}`]
  const { streamhost } = await network.startProxy(proxy, { rates: { bytestreamBytes: 16 * 1024 } })
  const into = await makeFolder(t)
  // A second is what it waits for the server's word about a bytestream that has broken: here, a minute.
  const receiver = (await network.connect(`${negotiation}-to`, {}, { clock: hurriedClock(1 / 60) })).receive({ into, from: [from] })
  const first = await network.connect(`${negotiation}-from`, { jid: `${from}/same`, reconnect: true })
  const { path, content } = await makeFile(t, 4 * MIB)
  const init = { to, negotiation, method: 'proxy', proxy } as const
  const incoming = nextTransfer(receiver)
  const sending = first.send(path, init)
  const receiving = await Promise.race([incoming, sending.done.then(() => incoming)])
  await moved(receiving, 1)
  const second = await network.connect(`${negotiation}-from`, { jid: `${from}/same` })
  return {
    sending,
    receiving,
    into,
    content,
    first,
    message: `another connection took over ${from}/same`,
    streamhost,
    receiver,
    again: () => second.send(path, init),
  }
}

onEachServer('logged in twice', { accounts, components }, (test) => {
  test("the sender's account logs in again with the same resource while a file goes by Jingle: both sides end it, and it can be sent again", async (t, server) => {
    const { sending, receiving, into, content, first, message, streamhost, receiver, again } = await takeOver(t, server, 'jingle')
    await t.throwsAsync(sending.done, { code: 'ERR_REPLACED', message })
    t.is(first.session.end?.error?.message, message)
    await t.throwsAsync(receiving.done, { code: 'ERR_NO_RESOURCE', message: /same has gone offline/ })
    t.deepEqual(
      (await filesIn(into)).filter((name) => !name.startsWith('.')),
      [],
    )

    streamhost.changeRates({})
    const incoming = nextTransfer(receiver)
    t.like(await again().done, { confirmed: true })
    t.true((await readFile((await (await incoming).done).path)).equals(content))
    t.deepEqual(await filesIn(into), ['file.bin'])
  })

  test('the same while a file goes by stream initiation, which is done with the session: it arrives', async (t, server) => {
    const { sending, receiving, into, content, first, message, streamhost } = await takeOver(t, server, 'si')
    if (!first.session.end) await once(first.session, 'ended')
    streamhost.changeRates({})
    t.like(await sending.done, { confirmed: true })
    t.is(first.session.end?.error?.message, message)
    t.true((await readFile((await receiving.done).path)).equals(content))
    t.deepEqual(await filesIn(into), ['file.bin'])
  })
})
