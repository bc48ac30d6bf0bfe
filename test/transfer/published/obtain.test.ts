// Goal: a file that was published is sent to whoever asks for it by its id and may have it, as often as it is asked for, and what comes is
// what was asked for (XEP-0358 §2.2, XEP-0137 §3.3).
// Method: our two ends on the embedded server.

import { createHash } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { BytestreamError, StanzaError } from '../../../src/core/index.ts'
import type { StartRequest } from '../../../src/transfer/index.ts'
import { attribute, buildDiscoInfoRequest, type Element, NS, parseDiscoInfo } from '../../../src/xep/index.ts'
import { publishing } from '../../helpers/publishing.ts'
import { filesIn, makeFile } from '../../helpers/transfers.ts'

const sha256 = (content: Buffer) => [{ algo: 'sha-256', value: createHash('sha256').update(content).digest() }]

/** What the two say about starts and sessions: `kind sid`. */
function follow(network: Awaited<ReturnType<typeof publishing>>['network']) {
  const said: string[] = []
  network.server.on('stanza', ({ element }: { readonly element: Element }) => {
    const payload = element.getChildElements()[0]
    const name = payload?.getName() ?? ''
    if (name === 'start' || name === 'starting') said.push(`${name} ${attribute(payload as Element, 'sid') ?? ''}`.trim())
    else if (name === 'jingle' && attribute(payload as Element, 'action') === 'session-initiate')
      said.push(`session-initiate ${attribute(payload as Element, 'sid')}`)
    else if (name === 'si' && attribute(element, 'type') === 'set') said.push(`si ${attribute(payload as Element, 'id')}`)
  })
  return said
}

for (const protocol of ['jingle', 'si'] as const) {
  for (const method of ['direct', 'proxy', 'ibb'] as const) {
    test(`a published file comes by ${protocol}, ${method}, and both sides tell of it`, async (t) => {
      const { path, content, sha256 } = await makeFile(t, 7, 'seven.bin')
      const { network, wall, owner, obtain, sending } = await publishing(t, () => ({ path, mimeType: 'text/plain' }), { method })
      if (method === 'proxy') await network.startProxy()
      const sent = sending()
      const transfer = obtain('one', { protocol, method })
      const result = await transfer.done
      t.like(result, { size: 7, sha256, method, verified: 'sha-256', confirmed: true })
      t.true(content.equals(await readFile(result.path)))
      t.like(transfer, { direction: 'receive', peer: owner.jid, name: 'seven.bin' })
      const [sendingOne, request] = await sent
      t.like(await sendingOne.done, { path, sha256, confirmed: true })
      t.like(sendingOne, { direction: 'send', peer: wall.jid, name: 'seven.bin' })
      t.deepEqual(request, { from: wall.jid, id: 'one', protocol })
    })
  }

  test(`by ${protocol}, one that is published once is sent many times, each under an id of its own, which is told first`, async (t) => {
    const { path } = await makeFile(t, 7)
    const { network, obtain } = await publishing(t, () => ({ path }))
    const said = follow(network)
    await obtain('one', { protocol }).done
    await obtain('one', { protocol, as: 'again' }).done
    const sids = said.flatMap((each) => /^starting (.+)$/.exec(each)?.[1] ?? [])
    t.is(new Set(sids).size, 2)
    const begin = protocol === 'jingle' ? 'session-initiate' : 'si'
    t.deepEqual(
      said,
      sids.flatMap((sid) => ['start', `starting ${sid}`, `${begin} ${sid}`]),
    )
  })
}

test('whoever does not say how gets it by Jingle; an owner who knows only stream initiation is asked for that', async (t) => {
  const { path } = await makeFile(t, 7)
  const asked: StartRequest[] = []
  const mayStart = (request: StartRequest) => {
    asked.push(request)
    return { path }
  }
  const { obtain, owner, publications } = await publishing(t, mayStart)
  await obtain('one').done
  publications.stop()
  owner.publish({ mayStart, negotiation: 'si', ownHosts: ['127.0.0.1'] })
  await obtain('one').done
  t.deepEqual(
    asked.map(({ protocol }) => protocol),
    ['jingle', 'si'],
  )
})

test('both namespaces are shown while something is published, and no longer', async (t) => {
  const { wall, owner, publications } = await publishing(t, () => undefined)
  const shown = async () => {
    const answer = await wall.session.request({ type: 'get', to: owner.jid, payload: buildDiscoInfoRequest() })
    return parseDiscoInfo(answer as Element).features
  }
  const published: readonly string[] = [NS.jinglePub, NS.siPub]
  const before = await shown()
  t.true(published.every((feature) => before.includes(feature)))
  publications.stop()
  const after = await shown()
  t.false(published.some((feature) => after.includes(feature)))
})

for (const [what, refusal, code, condition] of [
  ['nothing has that id', undefined, 'ERR_NOT_ACCEPTABLE', 'not-acceptable'],
  ['they may not have it', new BytestreamError('ERR_FORBIDDEN', 'members only'), 'ERR_FORBIDDEN', 'forbidden'],
  ['too many have it now', new BytestreamError('ERR_LIMIT_WAITING', 'two at a time'), 'ERR_LIMIT_WAITING', 'resource-constraint'],
] as const) {
  for (const protocol of ['jingle', 'si'] as const) {
    test(`by ${protocol}, where ${what}, whoever asks hears it in the owner's words`, async (t) => {
      const { obtain, into, publications, wall } = await publishing(t, () => {
        if (refusal) throw refusal
        return undefined
      })
      const refused: unknown[] = []
      publications.on('refused', ({ from, id, error }) => refused.push([from, id, error.code]))
      const error = (await t.throwsAsync(obtain('one', { protocol }).done, { instanceOf: BytestreamError, code })) as BytestreamError
      const { cause } = error
      t.true(cause instanceof StanzaError && cause.condition === condition)
      if (refusal) t.regex(error.message, new RegExp(refusal.message))
      t.deepEqual(refused, [[wall.jid, 'one', code]])
      t.deepEqual(await filesIn(into), [])
    })
  }
}

test('what was announced has to be right: the size, and the hash, also where the owner tells another one', async (t) => {
  const { path, content } = await makeFile(t, 7, 'seven.bin')
  const { obtain, into } = await publishing(t, () => ({ path }))
  for (const protocol of ['jingle', 'si'] as const) {
    await t.throwsAsync(obtain('one', { protocol, file: { size: 8 } }).done, { code: 'ERR_NOT_ACCEPTABLE', message: /another size/ })
    const wrong = obtain('one', { protocol, file: { hashes: sha256(Buffer.alloc(7)) } }).done
    await t.throwsAsync(wrong, { code: protocol === 'jingle' ? 'ERR_INTEGRITY' : 'ERR_NOT_ACCEPTABLE' })
    t.deepEqual(await filesIn(into), [])
    const right = obtain('one', { protocol, as: protocol, file: { name: 'announced', size: 7, hashes: sha256(content) } })
    t.like(await right.done, { verified: 'sha-256' })
    t.deepEqual(await filesIn(into), [protocol])
    await rm(join(into, protocol))
  }
})
