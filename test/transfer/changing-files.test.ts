// Goal: a file that is changed while it is sent arrives nowhere, and both sides say so; one that only loses its name arrives.
// Method: it is changed when the bytestream opens, before the first octet was read for it.

import { appendFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { filesIn, makeFile, makeFolder, nextTransfer } from '../helpers/transfers.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

const SIZE = 4 * 1024 * 1024

/** Sends a file, to which `change` happens on the way. */
async function sendChanging(t: ExecutionContext, negotiation: 'jingle' | 'si', change: (path: string) => void) {
  const network = await startNetwork(t, ['laptop', 'desk'])
  const [sender, receiver] = [await network.connect('laptop', { reconnect: true }), await network.connect('desk')]
  const into = await makeFolder(t)
  const incoming = nextTransfer(receiver.receive({ into, from: ['laptop@localhost'] }))
  const { path, content } = await makeFile(t, SIZE)
  const sending = sender.send(path, { to: 'desk@localhost', negotiation, method: 'direct', ownHosts: ['127.0.0.1'] })
  sending.on('opened', () => change(path))
  return { sending, receiving: await Promise.race([incoming, sending.done.then(() => incoming)]), content, into }
}

const changes: readonly (readonly [what: string, change: (path: string) => void])[] = [
  ['is cut', (path) => truncateSync(path, SIZE / 2)],
  ['grows', (path) => appendFileSync(path, 'more')],
  ['is written anew, as large as it was', (path) => writeFileSync(path, Buffer.alloc(SIZE))],
]

// By stream initiation a receiver hears nothing but the end: what it has may be the beginning of what is offered next.
for (const [negotiation, heard, left] of [
  ['jingle', 'ERR_INTEGRITY', []],
  ['si', 'ERR_RESET', ['part', 'json']],
] as const) {
  for (const [what, change] of changes) {
    test(`a file that ${what} while it goes by ${negotiation} ends both sides, and has no name`, async (t) => {
      const { sending, receiving, into } = await sendChanging(t, negotiation, change)
      await t.throwsAsync(sending.done, { code: 'ERR_INTEGRITY', message: 'file.bin changed while it was being sent' })
      await t.throwsAsync(receiving.done, { code: heard })
      t.deepEqual(
        (await filesIn(into)).map((name) => name.split('.').at(-1)),
        [...left],
      )
    })
  }

  test(`a file that is deleted while it goes by ${negotiation} arrives as it was`, async (t) => {
    const { sending, receiving, into, content } = await sendChanging(t, negotiation, (path) => rmSync(path))
    t.like(await sending.done, { confirmed: true, attempts: 1 })
    t.true((await readFile((await receiving.done).path)).equals(content))
    t.deepEqual(await filesIn(into), ['file.bin'])
  })
}
