// Goal: at a feed for contacts, who may have what is announced there is what the owners' rosters say at that moment.
// Method: the test is the server, and answers with rosters.

import test from 'ava'
import { attribute, NS } from '../../../src/xep/index.ts'
import { contact, FRIEND, OTHER, OWNER, RosterScene } from '../../helpers/pubsub-rosters.ts'

for (const model of ['presence', 'roster']) {
  test(`${model}: a contact without a subscription may have it, and nobody who has left the roster, subscribed or not`, async (t) => {
    const scene = await RosterScene.open(t)
    await scene.create('n', model)
    const accounts = [FRIEND, OTHER].map((jid) => `<account jid='${jid}'/>`).join('')
    const readers = async () => {
      const answer = await scene.ask(`${OWNER}/x`, 'get', `<readers xmlns='${NS.feeds}' node='n'>${accounts}</readers>`)
      return answer
        .getChild('readers', NS.feeds)
        ?.getChildren('account')
        .map((account) => attribute(account, 'jid'))
    }
    t.deepEqual(await readers(), [FRIEND])
    t.is(await scene.subscribe(FRIEND, 'n'), 'result')
    scene.rosters.set(OWNER, contact(FRIEND, 'none', 'Friends') + contact(OTHER, 'from', 'Friends'))
    scene.clock.advance(10_000)
    t.deepEqual(await readers(), [OTHER])
    t.not(await scene.retrieve(FRIEND, 'n'), 'result')
    t.is(await scene.retrieve(OTHER, 'n'), 'result')
  })
}
