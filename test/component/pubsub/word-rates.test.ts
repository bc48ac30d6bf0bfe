import test from 'ava'
import { WordRates } from '../../../src/component/pubsub/word-rates.ts'
import { attribute } from '../../../src/xep/index.ts'
import { openLine } from '../../helpers/component-line.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { by, FRIEND, OWNER, STRANGER } from '../../helpers/pubsub.ts'
import { SERVICE, TellingScene } from '../../helpers/pubsub-notifications.ts'

test('an account has a thousand messages at once, and one more each second; each account its own', (t) => {
  const clock = new FakeClock()
  const rates = new WordRates(clock)
  for (let taken = 0; taken < 1000; taken += 100) t.true(rates.take(OWNER, 100))
  t.false(rates.take(OWNER, 1))
  t.true(rates.take(FRIEND, 1000))
  clock.advance(2_000)
  t.false(rates.take(OWNER, 3), 'all or none')
  t.true(rates.take(OWNER, 2))
  t.false(rates.take(OWNER, 1))
  clock.advance(3_600_000)
  t.true(rates.take(OWNER, 1000), 'not more than before')
  t.false(rates.take(OWNER, 1))
})

test('of too many accounts the one that did something longest ago is forgotten', (t) => {
  const rates = new WordRates(new FakeClock())
  t.true(rates.take(OWNER, 1000))
  for (let at = 0; at < 9_999; at++) rates.take(`${at}@x`, 1)
  t.false(rates.take(OWNER, 1))
  rates.take('one-more@x', 1)
  t.true(rates.take(OWNER, 1000))
})

test('who sets affiliations or asks owners again and again is obeyed, and writes to others no more', async (t) => {
  const clock = new FakeClock()
  const line = await openLine(t, SERVICE, { clock })
  const { pubsub, notifications, log } = new TellingScene(line.session, clock)
  const hear = async () => attribute(await line.hear(), 'to')
  pubsub.create(by(OWNER), { node: 'n', config: { accessModel: 'authorize' } })
  const strangers = Array.from({ length: 100 }, (_, at) => `${at}@elsewhere.lit`)
  const setAll = (affiliation: 'member' | 'none') => {
    const changes = strangers.map((jid) => ({ jid, affiliation }))
    notifications.tell(pubsub.setNodeAffiliations(by(OWNER), 'n', changes).notices, by(OWNER).jid)
  }
  for (let round = 0; round < 6; round++) {
    setAll('member')
    setAll('none')
  }
  for (let count = 0; count < 1000; count++) t.regex((await hear()) ?? '', /@elsewhere/)
  setAll('member')
  t.deepEqual(pubsub.affiliations(by('99@elsewhere.lit'), { node: 'n' }).found, [{ node: 'n', affiliation: 'member' }])

  for (let count = 0; count < 1100; count++) {
    const { notices } = pubsub.subscribe(by(STRANGER), { node: 'n', jid: STRANGER })
    notifications.tell(notices, by(STRANGER).jid)
    pubsub.unsubscribe(by(STRANGER), { node: 'n', jid: STRANGER })
  }
  for (let count = 0; count < 1000; count++) t.is(await hear(), OWNER, 'and nothing is left for strangers')
  pubsub.create(by(FRIEND), { node: 'm' })
  notifications.tell(pubsub.setNodeAffiliations(by(FRIEND), 'm', [{ jid: 'last@x', affiliation: 'member' }]).notices, by(FRIEND).jid)
  t.is(await hear(), 'last@x')
  t.is(log.lines.filter(({ level }) => level === 'warn').length, 1)
})
