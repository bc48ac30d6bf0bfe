import test from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { FeedServices, feedAt } from '../../src/feeds/feed-address.ts'
import { attribute } from '../../src/xep/index.ts'
import { scriptSession } from '../helpers/scripted-session.ts'

const NAME = 'builds@silent.example'

test('a node with an @ in its name is none at a service when what is behind that does not answer', async (t) => {
  const { session, sent } = await scriptSession(t, systemClock, 'ci@example.org/x', () => 'silence')
  t.is(await feedAt(session, NAME, { answerMsMax: 1 }), undefined)
  t.is(sent.filter((stanza) => attribute(stanza, 'to') === 'silent.example').length, 1)
})

test('where a service is set a name is that of a node, and nobody is asked', async (t) => {
  const { session, sent } = await scriptSession(t, systemClock, 'ci@example.org/x', () => 'silence')
  const before = sent.length
  const { node, service } = await new FeedServices(session, 'feeds.example.org').at(NAME)
  t.deepEqual([node, service, sent.length], [NAME, 'feeds.example.org', before])
})
