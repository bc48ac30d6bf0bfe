import test from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { NodeAudience } from '../../src/feeds/audience.ts'
import { PubsubClient } from '../../src/pubsub-client/index.ts'
import { scriptSession, stanzaError } from '../helpers/scripted-session.ts'

const FEEDS = 'feeds.example.org'
const ASKER = 'desk@example.org/a'

const answers = test.macro({
  async exec(t, condition: string, type: 'cancel' | 'auth' | 'wait', expected: boolean | 'ERR_OFFER_BUSY') {
    const { session } = await scriptSession(t, systemClock, 'ci@example.org/x', () => {
      throw stanzaError(condition, { type })
    })
    const audience = new NodeAudience({ service: FEEDS, node: 'nightly', pubsub: new PubsubClient(session, FEEDS) })
    if (typeof expected === 'boolean') t.is(await audience.may(ASKER), expected)
    else await t.throwsAsync(audience.may(ASKER), { code: expected })
    t.true(await audience.may('ci@example.org/other'))
  },
  title: (_, condition, type, expected) =>
    expected === true
      ? `a service that says ${condition} (${type}) tells others who may see the node, or nobody: whoever knows the id may have the file`
      : `an answer of ${condition} (${type}) may be that of a server whose service is away: nobody gets the file for now`,
})

test(answers, 'forbidden', 'auth', true)
test(answers, 'not-allowed', 'cancel', true)
test(answers, 'not-authorized', 'auth', true)
test(answers, 'feature-not-implemented', 'cancel', true)
test(answers, 'service-unavailable', 'cancel', 'ERR_OFFER_BUSY')
test(answers, 'remote-server-not-found', 'cancel', 'ERR_OFFER_BUSY')
test(answers, 'item-not-found', 'cancel', 'ERR_OFFER_BUSY')
test(answers, 'internal-server-error', 'cancel', 'ERR_OFFER_BUSY')
test(answers, 'resource-constraint', 'wait', 'ERR_OFFER_BUSY')
