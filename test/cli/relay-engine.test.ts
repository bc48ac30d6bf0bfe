import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import ava from 'ava'
import { accountsOf, transferAll } from '../helpers/load.ts'
import { nativeSuite } from '../helpers/native.ts'
import { startServe } from '../helpers/serve.ts'
import { makeFile, makeFolder, nextTransfer } from '../helpers/transfers.ts'

// `serve` as a process: which engine it relays with, and how fast it may.

const JAVASCRIPT = 'octets are relayed in JavaScript: the native relay is faster'
const BYTES = 200_000

ava('without the native relay serve says so, says why, and transfers all the same', async (t) => {
  const environment = { STREAMHOST_NO_NATIVE: '1' }
  const serve = await startServe(t, { accounts: accountsOf(1), args: ['--http', '127.0.0.1:0'], environment })
  const because = 'STREAMHOST_NO_NATIVE is set'
  t.like(await serve.cli.logged(JAVASCRIPT), { level: 30, engine: 'stream', because })
  const ready = (await serve.cli.event('ready')) as { http: { port: number } }
  t.like(ready, { engine: 'stream', engineReason: because })
  const metrics = await (await fetch(`http://127.0.0.1:${ready.http.port}/metrics`)).text()
  t.regex(metrics, new RegExp(`^streamhost_info\\{version="[^"]+",engine="stream",engine_reason="${because}"\\} 1$`, 'm'))
  t.is((await transferAll(t, serve, [BYTES])).bytes, BYTES)
  t.like(await serve.cli.logged('a bytestream is over'), { engine: 'stream', end: 'end' })
})

nativeSuite('serve with the native relay')('with the native relay serve says so, and transfers', async (t) => {
  const serve = await startServe(t, { accounts: accountsOf(1), args: ['--relay-threads', '2'] })
  t.like(await serve.cli.logged('octets are relayed by native code'), { level: 30, engine: 'splice' })
  t.like(await serve.cli.event('ready'), { engine: 'splice', engineReason: undefined })
  t.is((await transferAll(t, serve, [BYTES])).bytes, BYTES)
  t.like(await serve.cli.logged('a bytestream is over'), { engine: 'splice', end: 'end' })
})

for (const [engine, environment] of [
  ['as there is', {}],
  ['stream', { STREAMHOST_NO_NATIVE: '1' }],
] as const) {
  ava(`a rate that SIGHUP lifts is lifted for a transfer under way, engine: ${engine}`, async (t) => {
    const folder = await makeFolder(t)
    const file = join(folder, 'serve.toml')
    await writeFile(file, 'bytestream-rate-max = "1KiB"\n')
    const serve = await startServe(t, { accounts: ['laptop', 'desk'], args: ['--config', file], environment })
    const [laptop, desk] = [await serve.logIn('laptop'), await serve.logIn('desk')]
    const incoming = nextTransfer(desk.receive({ into: join(folder, 'inbox'), from: ['laptop@localhost'] }))
    const { path, sha256 } = await makeFile(t, 32 * BYTES)
    const sending = laptop.send(path, { to: 'desk@localhost', method: 'proxy' })
    const received = await incoming
    for await (const { bytes } of received.progress()) if (bytes > 0) break
    await writeFile(file, 'rate-max = "1GiB"\n')
    serve.cli.child.kill('SIGHUP')
    // At the old rate it would take hours.
    t.is((await received.done).sha256, sha256)
    t.is((await sending.done).sha256, sha256)
  })
}
