// Goal: what is remembered of rosters, and what is asked for at once, is bounded, whoever asks.

import test, { type ExecutionContext } from 'ava'
import { Privileges } from '../../../src/component/pubsub/privileges.ts'
import { GrantedRosters } from '../../../src/component/pubsub/rosters.ts'
import { silentLogger } from '../../../src/core/index.ts'
import { buildRoster, type Element, parseElement, type RosterItem } from '../../../src/xep/index.ts'
import { FakeClock } from '../../helpers/fake-clock.ts'
import { DOMAIN, FRIEND, grants } from '../../helpers/pubsub-rosters.ts'
import { scriptSession } from '../../helpers/scripted-session.ts'

const ROSTERS = 1_000
const CONTACTS = 100_000

const friend: RosterItem = { jid: FRIEND, groups: [], subscription: 'both' }
const owner = (at: number) => `owner${at}@${DOMAIN}`

async function open(t: ExecutionContext, roster: (to: string) => Element | 'silence') {
  const clock = new FakeClock()
  let asked = 0
  const { session, receive } = await scriptSession(t, clock, `pubsub.${DOMAIN}`, ({ to }) => {
    asked += 1
    return roster(to)
  })
  const components = { session, clock, logger: silentLogger }
  const privileges = new Privileges(components, [DOMAIN])
  const rosters = new GrantedRosters({ ...components, privileges })
  receive(parseElement(`<message from='${DOMAIN}'>${grants('get')}</message>`))
  const knows = async (at: number) => (await rosters.contacts([owner(at)], FRIEND)).length === 1
  return { clock, rosters, privileges, knows, asked: () => asked }
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

test('a thousand rosters are remembered; then the one that was read first is forgotten', async (t) => {
  const { knows, asked, clock, rosters, privileges } = await open(t, () => buildRoster([friend]))
  for (const at of numbers(ROSTERS)) t.true(await knows(at))
  for (const at of numbers(ROSTERS)) t.true(await knows(at))
  t.is(asked(), ROSTERS)
  t.true(await knows(ROSTERS))
  t.true(await knows(1))
  t.is(asked(), ROSTERS + 1)
  t.true(await knows(0))
  t.is(asked(), ROSTERS + 2)
  rosters[Symbol.dispose]()
  privileges[Symbol.dispose]()
  t.is(clock.waiting, 0, 'nothing is left that keeps a process alive')
})

test('a hundred thousand contacts are remembered, of however few rosters', async (t) => {
  const count = 20
  const others = numbers(CONTACTS / count - 1).map((at): RosterItem => ({ jid: `c${at}@${DOMAIN}`, groups: [], subscription: 'from' }))
  const unseen: RosterItem = { jid: `unseen@${DOMAIN}`, groups: [], subscription: 'to' }
  const rosters = numbers(count + 1).map(() => buildRoster([...others, friend, unseen]))
  const { knows, asked } = await open(t, (to) => rosters[Number(/\d+/.exec(to)?.[0])] ?? 'silence')
  for (const at of numbers(count)) t.true(await knows(at))
  t.true(await knows(0))
  t.is(asked(), count, 'those who do not see the owner are not remembered')
  t.true(await knows(count))
  t.true(await knows(1))
  t.is(asked(), count + 1)
  t.true(await knows(0))
  t.is(asked(), count + 2, 'there was no room for the first')
})

test('no more than a thousand are asked for at once: of the others nobody is a contact', async (t) => {
  const { knows, asked, clock } = await open(t, () => 'silence')
  const all = numbers(ROSTERS + 1).map(knows)
  t.false(await all.at(-1))
  t.is(asked(), ROSTERS)
  clock.advance(5_000)
  t.deepEqual(new Set(await Promise.all(all)), new Set([false]))
})
