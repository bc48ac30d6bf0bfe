// Goal: a clock that is wrong keeps nobody from a file but where certificates are checked, and there the sentence says so.
// Method: processes are given another date (libfaketime).

import { fileOf, startAuthority } from '../helpers/certificates.ts'
import { startCli } from '../helpers/cli.ts'
import { foreign } from '../helpers/foreign.ts'
import { startServe } from '../helpers/serve.ts'
import { filesIn, makeFile, makeFolder } from '../helpers/transfers.ts'
import { withClock } from '../helpers/wrong-clock.ts'

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
    const clock = withClock(offset)
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
