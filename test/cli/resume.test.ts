import { createHash, randomBytes } from 'node:crypto'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openInBand } from '../../src/bytestreams/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { toldBy } from '../helpers/box.ts'
import { startCli } from '../helpers/cli.ts'
import { JingleHand, offeredFile } from '../helpers/jingle-hand.ts'
import { until } from '../helpers/peer.ts'
import { filesIn, makeFile, makeFolder, moved, nextTransfer } from '../helpers/transfers.ts'
import { startNetwork } from '../helpers/xmpp-network.ts'

// Goal: whatever ends a `receive`, the same command goes on where it was.
// Method: the command as a process, on an embedded server; a sender that speaks by hand, and our own.

const content = randomBytes(10)
const sha256 = { algo: 'sha-256', value: createHash('sha256').update(content).digest() }

async function setScene(t: ExecutionContext) {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const into = join(await makeFolder(t), 'inbox')
  const { jid, password, service = '' } = network.account('receiver')
  const args = ['receive', '--json', '--account', jid, '--into', into, '--from', 'sender@localhost']
  const receive = (...options: readonly string[]) =>
    startCli(t, [...args, ...options], { STREAMHOST_PASSWORD: password, STREAMHOST_SERVICE: service })
  /** Where the part is, and how much of it, once that is so many octets. */
  const part = async (bytes: number) => {
    const found = () => (existsSync(into) ? readdirSync(into).find((name) => name.endsWith('.part')) : undefined)
    await until(() => statSync(join(into, found() ?? ''), { throwIfNoEntry: false })?.size === bytes)
    return join(into, found() as string)
  }
  return { network, into, receive, part }
}

/** Offers the file by hand. @returns from where on the receiver wants it */
async function offerByHand(
  session: Awaited<ReturnType<Awaited<ReturnType<typeof setScene>>['network']['logIn']>>,
  to: string,
  sid: string,
) {
  const hand = new JingleHand(session)
  const facts = { size: content.length, date: '2026-11-21T19:40:42Z', hashUsed: ['sha-256'], range: {} }
  await hand.say(to, { action: 'session-initiate', sid, contents: [offeredFile(facts, sid)] })
  const { description } = (await hand.hear('session-accept')).contents[0] ?? {}
  const { stream } = await openInBand({ session, clock: systemClock, logger: silentLogger }, { to, sid: `for-${sid}` })
  stream.on('error', () => {})
  const { offset = 0 } = (description?.kind === 'file' && description.file.range) || {}
  const breakOff = (condition: 'cancel' | 'failed-transport') => hand.say(to, { action: 'session-terminate', sid, reason: { condition } })
  const finish = () => hand.say(to, { action: 'session-info', sid, info: { kind: 'checksum', file: { hashes: [sha256], hashUsed: [] } } })
  return { stream, offset, finish, breakOff }
}

test('killed with -9 in the middle, and once more behind that, it goes on with what is there', async (t) => {
  const { network, into, receive, part } = await setScene(t)
  let came = 0
  for (const [sid, next] of [
    ['first', 4],
    ['second', 7],
    ['third', 10],
  ] as const) {
    const command = receive('--once')
    const { jid } = await command.event('ready')
    const session = await network.logIn('sender')
    const { stream, offset, finish } = await offerByHand(session, String(jid), sid)
    t.is(offset, came)
    stream.write(content.subarray(came, next))
    came = next
    if (came < content.length) {
      await part(came)
      command.child.kill('SIGKILL')
      await command.ended
    } else {
      stream.end()
      await finish()
      const { code, stdout } = await command.ended
      t.is(code, 0)
      const { resumed, received } = toldBy(stdout)
      t.like(resumed, { name: 'file.bin', offset: 7, size: 10 })
      t.like(received, { resumedFrom: 7, verified: 'sha-256' })
    }
    await session.stop()
  }
  t.deepEqual(await readFile(join(into, 'file.bin')), content)
  t.deepEqual(await filesIn(into), ['file.bin'])
})

test('Ctrl-C leaves what has come, and says where it is and how to go on', async (t) => {
  const { network, receive, part } = await setScene(t)
  const command = receive()
  const { jid } = await command.event('ready')
  const { stream } = await offerByHand(await network.logIn('sender'), String(jid), 'first')
  stream.write(content.subarray(0, 4))
  const path = await part(4)
  command.child.kill('SIGINT')
  const { code, stdout, stderr } = await command.ended
  t.is(code, 1)
  t.like(toldBy(stdout)['kept'], { name: 'file.bin', path, bytes: 4, size: 10 })
  t.true(
    stderr.includes(`file.bin: 4 B of 10 B (40 %) stay in ${path}; the same command goes on with them, when the file is sent again\n`),
    stderr,
  )
  t.true(existsSync(path))
})

test('receive --once waits for a sender that comes back, and goes on with what is there', async (t) => {
  const { network, into, receive, part } = await setScene(t)
  const command = receive('--once')
  const { jid } = await command.event('ready')
  const { stream, breakOff } = await offerByHand(await network.logIn('sender'), String(jid), 'first')
  stream.write(content.subarray(0, 4))
  await part(4)
  await breakOff('failed-transport')
  await command.event('kept')
  const again = await offerByHand(await network.logIn('sender'), String(jid), 'second')
  t.is(again.offset, 4)
  again.stream.end(content.subarray(4))
  await again.finish()
  t.is((await command.ended).code, 0)
  t.deepEqual(await filesIn(into), ['file.bin'])
})

test('receive --once gives up a sender that does not come back in time, or has cancelled', async (t) => {
  for (const [options, condition] of [
    [['--retry-for', '0'], 'failed-transport'],
    [['--retry-for', '100ms'], 'failed-transport'],
    [[], 'cancel'],
  ] as const) {
    const { network, receive, part } = await setScene(t)
    const command = receive('--once', ...options)
    const { jid } = await command.event('ready')
    const { stream, breakOff } = await offerByHand(await network.logIn('sender'), String(jid), 'first')
    stream.write(content.subarray(0, 4))
    await part(4)
    await breakOff(condition)
    t.is((await command.ended).code, 1)
  }
})

test('our own sender goes on by itself, when the receiver was killed and is started again', async (t) => {
  const { network, into, receive } = await setScene(t)
  const { path, sha256: expected } = await makeFile(t, 4 * 1024 * 1024)
  const sender = await network.connect('sender', { reconnect: true })
  const first = receive()
  await first.event('ready')
  const sending = sender.send(path, { to: 'receiver@localhost', method: 'ibb' })
  await moved(sending, 500_000)
  first.child.kill('SIGKILL')
  await first.ended
  const second = receive('--once')
  const sent = await sending.done
  t.true(sent.resumedFrom > 0)
  t.true(sent.movedBytes <= sent.size * 1.5, `${sent.movedBytes}`)
  const { code, stdout } = await second.ended
  t.is(code, 0)
  t.like(toldBy(stdout)['received'], { sha256: expected, resumedFrom: sent.resumedFrom })
  t.deepEqual(await filesIn(into), ['file.bin'])
})

test('send says what interrupted it, and where it goes on', async (t) => {
  const { network, into } = await setScene(t)
  const { path, sha256: expected } = await makeFile(t, 2 * 1024 * 1024)
  const { jid, password, service = '' } = network.account('sender')
  const args = ['send', '--json', '--account', jid, '--method', 'ibb', '--to', 'receiver@localhost', path]
  const receiveOnce = async () => {
    const client = await network.connect('receiver')
    return { client, receiver: client.receive({ into, from: [jid] }) }
  }
  const first = await receiveOnce()
  const command = startCli(t, args, { STREAMHOST_PASSWORD: password, STREAMHOST_SERVICE: service })
  await moved(await nextTransfer(first.receiver), 500_000)
  await first.client.close()
  t.like(await command.event('interrupted'), { path, attempt: 1 })
  await receiveOnce()
  const { code, stdout, stderr } = await command.ended
  t.is(code, 0, stderr)
  const { interrupted, resumed, sent } = toldBy(stdout)
  t.true(Number(resumed?.['offset']) >= 500_000)
  t.like(sent, { sha256: expected, resumedFrom: resumed?.['offset'], attempts: Number(interrupted?.['attempt']) + 1 })
  t.true(stderr.includes(`${path}: interrupted `), stderr)
})
