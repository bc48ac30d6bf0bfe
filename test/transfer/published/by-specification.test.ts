// Goal: whoever knows XEP-0358 or XEP-0137 gets what we have published, and we get what they have.
// Method: a client that was written from the specifications alone, in raw XML, with no code of ours on its side, on the embedded server.

import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError, StanzaError } from '../../../src/core/index.ts'
import type { Element } from '../../../src/xep/index.ts'
import { HandClient } from '../../helpers/by-specification.ts'
import { embedded } from '../../helpers/server.ts'
import { filesIn, makeFile, makeFolder } from '../../helpers/transfers.ts'
import { networkOn } from '../../helpers/xmpp-network.ts'

async function setScene(t: ExecutionContext) {
  const started = await embedded.start({ accounts: ['ours', 'theirs'], components: [] })
  t.teardown(() => started[Symbol.asyncDispose]())
  const ours = await networkOn(t, started).connect('ours')
  const theirs = await HandClient.logIn(t, started, 'theirs')
  return { ours, theirs }
}

const ownHosts = ['127.0.0.1']

for (const method of ['direct', 'ibb'] as const) {
  test(`a client of XEP-0358 asks us for a file, and gets it by Jingle, ${method}`, async (t) => {
    const { path, content, sha256 } = await makeFile(t, 10_000)
    const { ours, theirs } = await setScene(t)
    const publications = ours.publish({ mayStart: ({ id }) => (id === 'one' ? { path } : undefined), ownHosts, method })
    const sent = new Promise((resolve, reject) => publications.once('transfer', ({ done }) => void done.then(resolve, reject)))
    const sid = await theirs.start('jingle', ours.jid, 'one')
    t.is(typeof sid, 'string')
    t.true(content.equals(await theirs.takeByJingle(ours.jid, sid as string)))
    t.like(await sent, { sha256, method, confirmed: true })
  })

  test(`a client of XEP-0137 asks us for a file, and gets it by stream initiation, ${method}`, async (t) => {
    const { path, content, sha256 } = await makeFile(t, 10_000)
    const { ours, theirs } = await setScene(t)
    const publications = ours.publish({ mayStart: ({ id }) => (id === 'one' ? { path } : undefined), ownHosts, method })
    const sent = new Promise((resolve, reject) => publications.once('transfer', ({ done }) => void done.then(resolve, reject)))
    const sid = await theirs.start('si', ours.jid, 'one')
    t.is(typeof sid, 'string')
    t.true(content.equals(await theirs.takeBySi(ours.jid, sid as string)))
    t.like(await sent, { sha256, method, confirmed: true })
  })

  test(`an owner of XEP-0358 is asked by us, and sends by Jingle, ${method}`, async (t) => {
    const content = randomBytes(10_000)
    const { ours, theirs } = await setScene(t)
    const transfer = ours.obtain({ from: theirs.jid, id: 'theirs', into: await makeFolder(t), ownHosts, file: { size: 10_000 } })
    t.deepEqual(await theirs.started('jingle', '851ba2'), { from: ours.jid, id: 'theirs' })
    await theirs.giveByJingle(ours.jid, '851ba2', content, method)
    const { path } = await transfer.done
    t.true(content.equals(await readFile(path)))
  })

  test(`an owner of XEP-0137, which knows nothing of XEP-0358, is asked by us, and sends by stream initiation, ${method}`, async (t) => {
    const content = randomBytes(10_000)
    const { ours, theirs } = await setScene(t)
    const transfer = ours.obtain({ from: theirs.jid, id: 'theirs', into: await makeFolder(t), ownHosts })
    const unknown = await theirs.next('start', 'urn:xmpp:jinglepub:1')
    const unavailable = `<service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>`
    theirs.answer(unknown, `<error type='cancel'>${unavailable}</error>`, 'error')
    t.deepEqual(await theirs.started('si', 'session-87651234'), { from: ours.jid, id: 'theirs' })
    await theirs.giveBySi(ours.jid, 'session-87651234', content, method)
    const result = await transfer.done
    t.like(result, { method, verified: 'md5' })
    t.true(content.equals(await readFile(result.path)))
  })
}

for (const [protocol, xmlns] of [
  ['jingle', 'urn:xmpp:jinglepub:1'],
  ['si', 'http://jabber.org/protocol/sipub'],
] as const) {
  test(`by ${protocol}, they hear the conditions of the specification: not-acceptable, and forbidden`, async (t) => {
    const { ours, theirs } = await setScene(t)
    ours.publish({
      mayStart: ({ id }) => {
        if (id === 'secret') throw new BytestreamError('ERR_FORBIDDEN', 'members only')
        return undefined
      },
    })
    for (const [id, type, condition] of [
      ['unknown', 'modify', 'not-acceptable'],
      ['secret', 'auth', 'forbidden'],
    ] as const) {
      const error = ((await theirs.start(protocol, ours.jid, id)) as Element).getChild('error')
      t.is(error?.attrs['type'], type)
      t.truthy(error?.getChild(condition, 'urn:ietf:params:xml:ns:xmpp-stanzas'))
    }
  })

  test(`by ${protocol}, we hear theirs, written as the examples are`, async (t) => {
    const { ours, theirs } = await setScene(t)
    const into = await makeFolder(t)
    for (const [code, type, condition, ofOurs] of [
      ['405', 'modify', 'not-acceptable', 'ERR_NOT_ACCEPTABLE'],
      ['403', 'auth', 'forbidden', 'ERR_FORBIDDEN'],
    ] as const) {
      const { done } = ours.obtain({ from: theirs.jid, id: 'theirs', into, protocol })
      const asked = await theirs.next('start', xmlns)
      const error = `<error code='${code}' type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
      theirs.answer(asked, `<start xmlns='${xmlns}'>theirs</start>${error}`, 'error')
      const { cause } = (await t.throwsAsync(done, { code: ofOurs })) as Error
      t.true(cause instanceof StanzaError && cause.condition === condition)
    }
    t.deepEqual(await filesIn(into), [])
  })
}
