// Goal: a clock that is wrong keeps nobody from a file but where certificates are checked, and there the sentence says so.
// Method: processes are given another date (libfaketime); the dates of their files are those of the machine, and so of another time.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileOf, startAuthority } from '../helpers/certificates.ts'
import { startCli } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { partReaches } from '../helpers/part-watch.ts'
import { startServe } from '../helpers/serve.ts'
import { filesIn, makeFile, makeFolder } from '../helpers/transfers.ts'
import { startWrongClock } from '../helpers/wrong-clock.ts'

const MIB = 2 ** 20
const SIZE = 16 * MIB

const test = foreign('a clock that is wrong', ['faketime'])

for (const [offset, advice] of [
  ['+10y', 'its certificate has expired; if the clock here is right, whoever runs it has to renew it'],
  ['-10y', 'its certificate is not valid yet; compare the clocks of both sides'],
] as const) {
  test.serial(`with a clock off by ${offset} nobody logs in over TLS, and both commands say that it may be the clock`, async (t) => {
    const authority = await startAuthority()
    const { cert, key } = await authority.issue('localhost')
    const [certFile, keyFile, ca] = [await fileOf(t, cert), await fileOf(t, key), await fileOf(t, authority.cert)]
    const own = ['--embedded-tls-cert', certFile, '--embedded-tls-key', keyFile]
    const serve = await startServe(t, { accounts: ['laptop', 'desk'], args: own })
    const clock = await startWrongClock(t, offset)
    const { path } = await makeFile(t, 1)
    const into = await makeFolder(t)
    const [desk, environment] = serve.as('desk')
    const receive = ['receive', ...desk, '--tls-ca', ca, '--into', into, '--from', 'laptop@localhost']
    const [laptop] = serve.as('laptop')
    const send = ['send', ...laptop, '--tls-ca', ca, path, '--to', 'desk@localhost']
    for (const command of [receive, send]) {
      const { code, stdout } = await startCli(t, command, environment, clock).ended
      t.is(code, 1)
      const { event, code: said, message } = JSON.parse(stdout) as Record<string, string>
      t.deepEqual([event, said], ['error', 'ERR_TLS'])
      t.true(message?.endsWith(`cannot be trusted: ${advice}`), message)
    }
    t.deepEqual(await filesIn(into), [])

    const right = startCli(t, receive, environment)
    await right.event('ready')
    t.is((await startCli(t, send, environment).ended).code, 0)
    t.deepEqual(await filesIn(into), ['file.bin'])
  })
}

for (const [before, during, after] of [
  ['+10y', '-10y', '+0'],
  ['-20y', '+0', '+0'],
  ['+0', '+10y', '-10y'],
] as const) {
  test.serial(
    `without TLS, a receiver whose clock goes from ${before} to ${during}, and is ${after} after a restart, gets the rest of its file`,
    async (t) => {
      const serve = await startServe(t, { accounts: ['laptop', 'desk'], args: ['--bytestream-rate-max', '4MiB'] })
      const clock = await startWrongClock(t, before)
      const file = await makeFile(t, SIZE)
      const into = await makeFolder(t)
      const [desk, environment] = serve.as('desk')
      const receiveArgs = ['receive', ...desk, '--into', into, '--from', 'laptop@localhost']
      const first = startCli(t, receiveArgs, environment, clock)
      await first.event('ready')
      const [laptop] = serve.as('laptop')
      const send = startCli(t, ['send', file.path, ...laptop, '--to', 'desk@localhost', '--method', 'proxy'], environment)
      await partReaches(into, SIZE * 0.3)
      await clock.setTo(during)
      await partReaches(into, SIZE * 0.5)
      first.child.kill('SIGKILL')
      await first.ended

      await clock.setTo(after)
      const second = startCli(t, receiveArgs, environment, clock)
      const { offset } = (await send.event('resumed')) as { offset: number }
      t.true(offset >= SIZE * 0.5, `${offset}`)
      t.like(await second.event('received'), { path: join(into, 'file.bin'), sha256: file.sha256 })
      t.like(await send.event('sent'), { sha256: file.sha256 })
      t.is((await send.ended).code, 0)
      t.deepEqual(await filesIn(into), ['file.bin'])
      t.true((await readFile(join(into, 'file.bin'))).equals(file.content))
    },
  )
}
