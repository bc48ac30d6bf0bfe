import { once } from 'node:events'
import { join } from 'node:path'
import test from 'ava'
import { BytestreamError } from '../../src/core/index.ts'
import type { Progress } from '../../src/transfer/index.ts'
import { Transfer, TransferClient } from '../../src/transfer/index.ts'
import { attribute, buildDiscoInfoRequest, capabilitiesVersion, NS, parseDiscoInfo } from '../../src/xep/index.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { login } from '../helpers/raw-client.ts'
import { embedded } from '../helpers/server.ts'
import { settle } from '../helpers/settle.ts'
import { steadyClock } from '../helpers/steady-clock.ts'
import { filesIn, makeFile, makeFolder, nextTransfer, storedIn } from '../helpers/transfers.ts'
import { networkOn, startNetwork } from '../helpers/xmpp-network.ts'

const here = { to: 'receiver@localhost', ownHosts: ['127.0.0.1'] }

test('ten files at once: two on their way at a time, all arrive', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const [receiver, sender] = [await network.connect('receiver'), await network.connect('sender', { concurrency: 2 })]
  const into = await makeFolder(t)
  const receiving = receiver.receive({ into, from: ['sender@localhost'] })
  let most = 0
  receiving.on('transfer', () => {
    most = Math.max(most, receiving.running.size)
  })
  const files = await Promise.all(Array.from({ length: 10 }, (_, index) => makeFile(t, 200_000 + index, `${index}.bin`)))
  const sent = files.map(({ path }) => sender.send(path, here))
  t.deepEqual(new Set(sent.map(({ state }) => state)), new Set(['waiting']))
  const results = await Promise.all(sent.map(({ done }) => done))
  t.deepEqual(
    results.map(({ sha256 }) => sha256),
    files.map(({ sha256 }) => sha256),
  )
  t.is(most, 2)
  t.is((await filesIn(into)).length, 10)
})

test('a transfer that is cancelled before its turn does not wait for it, and the rest goes on', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const [receiver, sender] = [await network.connect('receiver'), await network.connect('sender', { concurrency: 1 })]
  const into = await makeFolder(t)
  let decide = (_: boolean) => {}
  const deciding = new Promise<boolean>((resolve) => {
    decide = resolve
  })
  receiver.receive({ into, from: ['sender@localhost'], mayAccept: () => deciding })
  const { path } = await makeFile(t, 10)
  const { path: other } = await makeFile(t, 11)
  const [first, second, third] = [sender.send(path, here), sender.send(path, here), sender.send(other, here)]
  second.cancel()
  await t.throwsAsync(second.done, { code: 'ERR_ABORTED' })
  t.is(second.state, 'failed')
  decide(true)
  await Promise.all([first.done, third.done])
  t.deepEqual(await filesIn(into), ['file (1).bin', 'file.bin'])
})

test('a proxy beside a method that uses none is refused, sending and asking', async (t) => {
  const network = await startNetwork(t, ['sender'])
  const client = await network.connect('sender')
  const { path } = await makeFile(t, 10)
  for (const method of ['direct', 'ibb'] as const) {
    const way = { method, proxy: 'proxy.localhost' }
    const message = `the method ${method} uses no proxy: name none, or take the method proxy or auto`
    await t.throwsAsync(client.send(path, { to: 'receiver@localhost', ...way }).done, { code: 'ERR_CONFIG', message })
    const asked = client.fetch({ from: 'receiver@localhost', into: await makeFolder(t), file: { name: 'file.bin' }, ...way })
    await t.throwsAsync(asked.done, { code: 'ERR_CONFIG', message })
  }
})

test('closing cancels what is under way, what waits included, and both are over when it has closed', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const clock = steadyClock()
  const receiver = await network.connect('receiver', {}, { clock })
  const sender = await network.connect('sender', { concurrency: 1 }, { clock })
  const into = await makeFolder(t)
  const receiving = receiver.receive({ into, from: ['sender@localhost'] })
  const { path } = await makeFile(t, 32 * 1024 * 1024)
  const [running, waiting] = [sender.send(path, here), sender.send(path, here)]
  const incoming = await nextTransfer(receiving)
  await once(incoming, 'opened')
  await sender.close()
  t.deepEqual([running.state, waiting.state], ['failed', 'failed'])
  await t.throwsAsync(running.done, { code: 'ERR_ABORTED' })
  await t.throwsAsync(waiting.done, { code: 'ERR_ABORTED' })
  await t.throwsAsync(incoming.done, { code: 'ERR_CANCELLED' })
  t.false(sender.session.isOnline)
})

test('closing a receiver waits until its files are closed, of which parts are left at most', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const clock = steadyClock()
  const [receiver, sender] = [await network.connect('receiver', {}, { clock }), await network.connect('sender', {}, { clock })]
  const into = await makeFolder(t)
  const receiving = receiver.receive({ into, from: ['sender@localhost'] })
  const { path } = await makeFile(t, 32 * 1024 * 1024)
  const sending = sender.send(path, here)
  await once(await nextTransfer(receiving), 'opened')
  await receiver.close()
  t.is(receiving.running.size, 0)
  t.deepEqual(await storedIn(into), [])
  await t.throwsAsync(sending.done, { code: 'ERR_NO_RESOURCE', message: /gone/ })
})

test("the caller's signal cancels a transfer, with its reason", async (t) => {
  const network = await startNetwork(t, ['sender'])
  const sender = await network.connect('sender')
  const { path } = await makeFile(t, 10)
  const stopping = new AbortController()
  const sending = sender.send(path, { ...here, signal: stopping.signal })
  stopping.abort(new BytestreamError('ERR_SHUTTING_DOWN', 'we close'))
  await t.throwsAsync(sending.done, { code: 'ERR_SHUTTING_DOWN' })
})

test('what a client can is in its disco#info: more once it receives (XEP-0095 §3.1)', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const [receiver, asking] = [await network.connect('receiver'), await network.logIn('sender')]
  const featuresOf = async () => {
    const answer = await asking.request({ type: 'get', to: receiver.jid, payload: buildDiscoInfoRequest() })
    return answer ? parseDiscoInfo(answer).features : []
  }
  const before = await featuresOf()
  t.true(before.includes(NS.ping))
  t.false(before.includes(NS.si))
  receiver.receive({ into: await makeFolder(t), from: ['sender@localhost'] })
  const after = await featuresOf()
  for (const feature of [NS.si, NS.siFileTransfer, NS.bytestreams]) t.true(after.includes(feature), feature)
  t.false(before.includes(NS.hashes))
  t.deepEqual(
    after.filter((feature) => feature.startsWith('urn:xmpp:hash')),
    [
      'urn:xmpp:hash-function-text-names:id-blake2b256',
      'urn:xmpp:hash-function-text-names:id-blake2b512',
      'urn:xmpp:hash-function-text-names:sha-256',
      'urn:xmpp:hash-function-text-names:sha-512',
      'urn:xmpp:hash-function-text-names:sha3-256',
      'urn:xmpp:hash-function-text-names:sha3-512',
      'urn:xmpp:hashes:2',
    ],
    'XEP-0300 §5, by the names of §9.3',
  )
})

test('presence tells what a client can, and anew when it begins and ceases to receive (XEP-0115 §6.1)', async (t) => {
  const server = await embedded.start({ accounts: ['receiver'] })
  t.teardown(() => server[Symbol.asyncDispose]())
  const watching = await login(server.client, server.account('receiver'))
  watching.send('<presence/>')
  const told = async () => {
    for (;;) {
      const stanza = await watching.next()
      const told = stanza.getChild('c', NS.capabilities)
      if (stanza.is('presence') && attribute(stanza, 'from') !== watching.jid) return told && attribute(told, 'ver')
    }
  }
  const asked = async (node: string) => {
    const payload = buildDiscoInfoRequest(node)
    const answer = await client.session.request({ type: 'get', to: client.jid, payload })
    return answer && { ver: capabilitiesVersion(parseDiscoInfo(answer)), node: attribute(answer, 'node') }
  }
  const client = await networkOn(t, server).connect('receiver')
  const idle = await told()
  const node = 'https://www.npmjs.com/package/streamhost'
  t.deepEqual(await asked(`${node}#${idle}`), { ver: idle, node: `${node}#${idle}` })
  const receiver = client.receive({ into: await makeFolder(t), from: ['sender@localhost'] })
  const receiving = await told()
  t.not(receiving, idle)
  t.deepEqual(await asked(`${node}#${receiving}`), { ver: receiving, node: `${node}#${receiving}` })
  await t.throwsAsync(asked(`${node}#${idle}`), { message: /item-not-found/ }, 'of what it was before')
  await t.throwsAsync(asked(node), { message: /item-not-found/ })
  receiver.stop()
  t.is(await told(), idle)
})

test('presence tells each the same, also those looked for and those sent to in band (XEP-0115 §6.1)', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const receiver = await network.connect('receiver')
  receiver.receive({ into: await makeFolder(t), from: ['sender@localhost'] })
  const told = new Map<string, string>()
  network.server.on('stanza', ({ from, to, element }) => {
    if (element.name !== 'presence' || !from.startsWith('sender@')) return
    told.set(`${told.size + 1} ${to}`, `${element.getChildText('priority')} ${element.getChild('c', NS.capabilities)?.attrs['ver']}`)
  })
  const sender = await network.connect('sender', { priority: 7 })
  const { path } = await makeFile(t, 10)
  for (const negotiation of ['si', 'jingle'] as const) await sender.send(path, { ...here, method: 'ibb', negotiation }).done
  const directed = [...told.keys()].map((key) => key.split(' ')[1])
  t.deepEqual(
    [directed.includes('receiver@localhost'), directed.filter((to) => to === receiver.jid).length],
    [true, 2],
    'looked for once, opened twice',
  )
  const [first = ''] = told.values()
  t.regex(first, /^7 [\w+/]+=$/)
  t.deepEqual(new Set(told.values()), new Set([first]))
})

test('two receivers that expect each other do not greet each other for ever', async (t) => {
  const network = await startNetwork(t, ['one', 'two'])
  const presences: string[] = []
  network.server.on('stanza', ({ from, to, element }) => {
    if (element.name === 'presence' && to.includes('@')) presences.push(`${from} → ${to}`)
  })
  const [one, two] = [await network.connect('one'), await network.connect('two')]
  one.receive({ into: await makeFolder(t), from: ['two@localhost'] })
  two.receive({ into: await makeFolder(t), from: ['one@localhost'] })
  // Behind a question to each other, everything before it was routed.
  for (let round = 0; round < 3; round++) {
    for (const [from, to] of [
      [one, two],
      [two, one],
    ] as const) {
      await from.session.request({ type: 'get', to: to.jid, payload: buildDiscoInfoRequest() })
    }
  }
  t.true(presences.length <= 4, presences.join('\n'))
})

test('who looks for a receiver again after a while is answered again: he may be on another connection, and have lost the answer', async (t) => {
  const server = await embedded.start({ accounts: ['sender', 'receiver'] })
  t.teardown(() => server[Symbol.asyncDispose]())
  const network = networkOn(t, server)
  const clock = new FakeClock()
  const receiver = await network.connect('receiver', {}, { clock })
  receiver.receive({ into: await makeFolder(t), from: ['sender@localhost'] })
  const sender = await login(server.client, server.account('sender'), 'desk')
  t.teardown(() => sender.destroy())
  let questions = 0
  /** @returns what it is answered before it is asked what it can */
  const greet = async (to = 'receiver@localhost') => {
    questions += 1
    const question = `<iq type='get' id='q${questions}' to='${receiver.jid}'><query xmlns='${NS.discoInfo}'/></iq>`
    sender.send(`<presence to='${to}'/>${question}`)
    const answers: string[] = []
    for (;;) {
      const { name, attrs } = await sender.next()
      if (attrs['id'] === `q${questions}`) return answers
      answers.push(`${name} ${attrs['from']}`)
    }
  }
  const found = [`presence ${receiver.jid}`]
  t.deepEqual([await greet(), await greet()], [found, []])
  clock.advance(4_999)
  t.deepEqual(await greet(), [])
  clock.advance(1)
  t.deepEqual(await greet(receiver.jid), [], 'that may be an answer')
  t.deepEqual(await greet(), found)
})

test('a receiver that came after the sender had looked is found', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const sender = await network.connect('sender', {}, { clock: steadyClock() })
  const { path } = await makeFile(t, 10)
  const greeted = new Promise<void>((resolve) => {
    network.server.on('stanza', ({ to, element }) => {
      if (element.name === 'presence' && to === 'receiver@localhost') resolve()
    })
  })
  const sending = sender.send(path, here)
  await greeted
  const receiver = await network.connect('receiver')
  receiver.receive({ into: await makeFolder(t), from: ['sender@localhost'] })
  await sending.done
  t.is(sending.peer, receiver.jid)
})

test('logging in with a wrong password, or to nobody, says so', async (t) => {
  const network = await startNetwork(t, ['sender'])
  await t.throwsAsync(network.connect('sender', { password: 'wrong' }), { code: 'ERR_AUTHENTICATION' })
  await t.throwsAsync(network.connect('sender', { jid: 'nobody@localhost' }), { code: 'ERR_AUTHENTICATION' })
  await t.throwsAsync(network.connect('sender', { jid: 'sender@example.org' }), { code: 'ERR_HOST_UNKNOWN' })
  await t.throwsAsync(network.connect('sender', { service: 'xmpp://127.0.0.1:1' }), { code: 'ERR_UNREACHABLE' })
  await t.throwsAsync(TransferClient.connect({ ...network.account('sender'), signal: AbortSignal.abort() }), { code: 'ERR_ABORTED' })
})

/** A transfer that does what the test says. */
function runByHand(clock: FakeClock) {
  let finish = () => {}
  const transfer = new Transfer(clock, { direction: 'send', peer: 'a@b/c', name: 'file.bin' }, () => {
    transfer.update({ size: 1_000 })
    transfer.moveTo('moving')
    return new Promise((resolve) => {
      finish = () => resolve({ path: 'file.bin', size: 1_000, sha256: '', method: 'proxy', confirmed: true })
    })
  })
  return { transfer, finish: () => finish() }
}

test('progress tells at once, every 200 ms, and at the end', async (t) => {
  const clock = new FakeClock()
  const { transfer, finish } = runByHand(clock)
  const seen: Progress[] = []
  const watching = (async () => {
    for await (const progress of transfer.progress()) seen.push(progress)
  })()
  await settle()
  t.deepEqual(seen.splice(0), [{ bytes: 0, size: 0, bytesPerSecond: 0 }])
  transfer.update({ bytes: 100 })
  clock.advance(199)
  await settle()
  t.deepEqual(seen, [])
  clock.advance(1)
  await settle()
  t.deepEqual(seen.splice(0), [{ bytes: 100, size: 1_000, bytesPerSecond: 500 }])
  transfer.update({ bytes: 1_000 })
  clock.advance(100)
  finish()
  await watching
  t.deepEqual(seen, [{ bytes: 1_000, size: 1_000, bytesPerSecond: 9_000 }])
  t.is(clock.waiting, 0)
})

test('whoever is slow misses some progress, never the end; two may watch', async (t) => {
  const clock = new FakeClock()
  const { transfer, finish } = runByHand(clock)
  const [slow, other] = [transfer.progress(), transfer.progress()]
  await slow.next()
  await other.next()
  for (let bytes = 0; bytes <= 1_000; bytes += 100) {
    transfer.update({ bytes })
    clock.advance(200)
    await settle()
  }
  finish()
  await transfer.done
  for (const watcher of [slow, other]) {
    let last: Progress | undefined
    for await (const progress of watcher) last = progress
    t.is(last?.bytes, 1_000)
  }
})

test('watching a transfer that is over tells once how it ended', async (t) => {
  const clock = new FakeClock()
  const { transfer, finish } = runByHand(clock)
  await settle()
  finish()
  const { durationMs } = await transfer.done
  t.is(durationMs, 0)
  const seen: Progress[] = []
  for await (const progress of transfer.progress()) seen.push(progress)
  t.is(seen.length, 1)
})

test('states come in their order, the events after them, and nothing after the end', async (t) => {
  const clock = new FakeClock()
  const { transfer, finish } = runByHand(clock)
  const heard: string[] = []
  transfer.on('state', (state) => heard.push(state))
  transfer.on('done', () => heard.push('done event'))
  transfer.on('failed', () => heard.push('failed event'))
  await settle()
  clock.advance(1_500)
  finish()
  t.is((await transfer.done).durationMs, 1_500)
  transfer.cancel()
  await settle()
  t.deepEqual(heard, ['moving', 'done', 'done event'])
})

test('a file is sent into the folder by the name it has, not by its path', async (t) => {
  const network = await startNetwork(t, ['sender', 'receiver'])
  const [receiver, sender] = [await network.connect('receiver'), await network.connect('sender')]
  const into = join(await makeFolder(t), 'a', 'b')
  receiver.receive({ into, from: ['sender@localhost'] })
  const { path } = await makeFile(t, 1, 'x.y')
  const sending = sender.send(path, here)
  t.is(sending.name, path)
  await sending.done
  t.is(sending.name, 'x.y')
  t.deepEqual(await filesIn(into), ['x.y'])
})
