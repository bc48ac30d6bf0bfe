// Goal: two hosts behind two NATs move files: through the proxy without waiting for what cannot work, directly where a router maps
// a port, and with --method proxy nobody's address is in any stanza. Method: namespaces with nftables between them, which lose
// whatever goes astray; `send` and `receive` as processes, whose stanzas are written down on their way to the server.
// test/full/two-nats.full.ts has larger files, each negotiation, and ejabberd.

import { addressesToldIn } from '../helpers/addresses-told.ts'
import { roles } from '../helpers/file-network.ts'
import { foreign } from '../helpers/foreign.ts'
import { prosody } from '../helpers/server.ts'
import { makeFile, makeFolder } from '../helpers/transfers.ts'
import { moveHome, startAtHome, startTwoNats, type TwoNats, twoNatsNeeds } from '../helpers/two-nats.ts'

const test = foreign('two NATs', [...twoNatsNeeds, ...prosody.needs])

let scene: TwoNats

test.before('two homes, a server and a proxy start', async () => {
  scene = await startTwoNats(prosody)
})
test.after.always('they end', () => scene?.[Symbol.asyncDispose]())

test.serial('a file goes through the proxy, and nobody has waited for an address of the other private network', async (t) => {
  const startedMs = performance.now()
  const { opened, stanzas } = await moveHome(t, scene)
  t.log(`sent and received after ${Math.round(performance.now() - startedMs)} ms, with the start of both commands`)
  t.is(opened['method'], 'proxy')
  const reason = String(opened['reason'])
  t.true(reason.includes('192.168.2.2 has not answered: it is of a private network this machine is not in'), reason)
  t.regex(reason, /^desk@localhost\/\S+ has reached none of 192\.168\.1\.2; /)
  t.deepEqual(addressesToldIn(stanzas, scene.addresses), ['192.168.1.2', '192.168.2.2'])
})

test.serial('with --method proxy on both sides no address of either is in any stanza, and no port is mapped', async (t) => {
  const options = ['--method', 'proxy', '--map-port']
  const { opened, stanzas } = await moveHome(t, scene, { send: options, receive: options })
  t.is(opened['method'], 'proxy')
  t.is(opened['reason'], undefined)
  t.deepEqual(addressesToldIn(stanzas, scene.addresses), [])
  t.deepEqual(scene.router.logged('port mapping request'), [])
})

test.serial(
  'with a router that maps ports the file goes directly, by the candidate of type assisted; then nothing is mapped',
  async (t) => {
    const { opened, received, sent, receiverSaid, stanzas } = await moveHome(t, scene, { send: ['--map-port'], receive: ['--map-port'] })
    const { outside } = scene.homes[0]
    t.like(opened, { method: 'direct', host: outside })
    t.is(received['method'], 'direct')
    t.regex(sent.stdout, /"event":"port mapped"/)
    t.regex(stanzas, new RegExp(`<candidate [^>]*host="${outside}"[^>]*type="assisted"`))
    t.is(scene.router.logged('port mapping request').length, 2)
    await scene.router.settled(0)
    // The other router maps none, which is told, and is no failure.
    t.regex(
      receiverSaid,
      /no port is forwarded to here: no router maps ports \(NAT-PMP: no answer within 1 s; UPnP: no answer within 3 s\)/,
    )
  },
)

test.serial('after SIGTERM nothing stays mapped', async (t) => {
  const { domain } = scene.network.server
  const { path } = await makeFile(t, 1)
  const into = await makeFolder(t)
  const receive = await startAtHome(t, scene, 'receiver', ['receive', '--into', into, '--from', `${roles.sender}@${domain}`])
  const { jid } = await receive.event('ready')
  receive.child.kill('SIGSTOP') // It answers nothing.
  const send = await startAtHome(t, scene, 'sender', ['send', path, '--to', String(jid), '--negotiation', 'jingle', '--map-port'])
  await send.event('port mapped')
  t.is((await scene.router.mapped()).length, 1)
  send.child.kill('SIGTERM')
  await send.ended
  await scene.router.settled(0)
})
