import test from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { NodeAudience } from '../../src/feeds/audience.ts'
import { PubsubClient } from '../../src/pubsub-client/index.ts'
import type { Session } from '../../src/session/index.ts'
import { buildFeedReaders, buildIqResult, feedReadersFeature, NS, parseFeedReaders, xml } from '../../src/xep/index.ts'
import { scriptSession, stanzaError } from '../helpers/scripted-session.ts'

const FEEDS = 'feeds.example.org'
const ASKER = 'desk@example.org/a'

/** What the service shows. */
const info = (...features: readonly string[]) =>
  xml('query', { xmlns: NS.discoInfo }, ...features.map((feature) => xml('feature', { var: feature })))

const audienceBy = (session: Session) =>
  new NodeAudience({ service: FEEDS, node: 'nightly', pubsub: new PubsubClient(session, FEEDS) }, systemClock)

const answers = test.macro({
  async exec(t, condition: string, type: 'cancel' | 'auth' | 'wait', expected: boolean | 'ERR_OFFER_BUSY') {
    const { session } = await scriptSession(t, systemClock, 'ci@example.org/x', ({ payload }) => {
      if (payload.getNS() === NS.discoInfo) return info()
      throw stanzaError(condition, { type })
    })
    const audience = audienceBy(session)
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

test('a service that tells whoever publishes is believed, and asked about many at once, in questions of a bounded size', async (t) => {
  const asked: number[] = []
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { session } = await scriptSession(t, systemClock, 'ci@example.org/x', ({ payload }) => {
    if (payload.getNS() === NS.discoInfo) return info(NS.feeds, feedReadersFeature)
    t.is(payload.getName(), 'readers')
    const { node, accounts } = parseFeedReaders(payload)
    asked.push(accounts.length)
    release()
    return buildFeedReaders({ node, accounts: accounts.filter((account) => !account.startsWith('outcast')) })
  })
  const audience = audienceBy(session)
  const first = audience.may('desk@example.org/a')
  await held
  const others = Array.from({ length: 100 }, (_, at) => audience.may(`${at % 2 ? 'outcast' : 'friend'}${at}@Example.org/${at}`))
  t.true(await first)
  t.deepEqual(
    await Promise.all(others),
    others.map((_, at) => at % 2 === 0),
  )
  t.deepEqual(asked, [1, 64, 36])
})

const refusals = test.macro({
  async exec(t, condition: string, type: 'cancel' | 'auth' | 'wait', code: string) {
    const { session } = await scriptSession(t, systemClock, 'ci@example.org/x', ({ payload }) => {
      if (payload.getNS() === NS.discoInfo) return info(feedReadersFeature)
      throw stanzaError(condition, { type })
    })
    await t.throwsAsync(audienceBy(session).may(ASKER), { code })
  },
  title: (_, condition, type, code) => `when a service that told who may read says ${condition} (${type}), whoever asks hears ${code}`,
})

test(refusals, 'forbidden', 'auth', 'ERR_FORBIDDEN')
test(refusals, 'item-not-found', 'cancel', 'ERR_FORBIDDEN')
test(refusals, 'service-unavailable', 'cancel', 'ERR_OFFER_BUSY')
test(refusals, 'resource-constraint', 'wait', 'ERR_OFFER_BUSY')

test('many accounts are asked about in questions of which none waits for another', async (t) => {
  const held: (() => void)[] = []
  const asked: number[] = []
  const scripted = await scriptSession(t, systemClock, 'ci@example.org/x', ({ payload, stanza }) => {
    if (payload.getNS() === NS.discoInfo) return info(feedReadersFeature)
    const request = parseFeedReaders(payload)
    asked.push(request.accounts.length)
    held.push(() => scripted.receive(buildIqResult(stanza, buildFeedReaders(request))))
    if (asked.length === 3) for (const answer of held) answer()
    return 'silence'
  })
  const pubsub = new PubsubClient(scripted.session, FEEDS)
  const accounts = Array.from({ length: 150 }, (_, at) => `friend${at}@example.org`)
  t.deepEqual(await pubsub.readersAmong('nightly', accounts), new Set(accounts))
  t.deepEqual(asked, [64, 64, 22])
})
