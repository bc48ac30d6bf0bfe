// Goal: an offer whose announcement is given up on its way is announced nowhere afterwards.
// Method: the service is a script, which decides when it is given up; what was sent to it.

import test, { type ExecutionContext } from 'ava'
import { systemClock } from '../../src/core/index.ts'
import { everybody } from '../../src/feeds/audience.ts'
import { Offer } from '../../src/feeds/offer.ts'
import { OfferedFile } from '../../src/feeds/offered-file.ts'
import { FeedPlace } from '../../src/feeds/places.ts'
import { PubsubClient } from '../../src/pubsub-client/index.ts'
import { parseAnnouncement } from '../../src/xep/index.ts'
import { type Script, scriptSession, stanzaError } from '../helpers/scripted-session.ts'
import { makeFile } from '../helpers/transfers.ts'

const FEEDS = 'feeds.example.org'

/** An offer that is about to be announced. @returns what it asks of the service, in order */
async function scene(
  t: ExecutionContext,
  script: Script,
  { isTakenOver = false, signal }: { isTakenOver?: boolean; signal?: AbortSignal },
) {
  const asked: string[] = []
  const { session } = await scriptSession(t, systemClock, 'ci@example.org/x', (iq) => {
    const [request] = iq.payload.getChildElements()
    const [payload] = request?.getChild('item')?.getChildElements() ?? []
    const announcement = payload && parseAnnouncement(payload)
    asked.push([request?.getName(), announcement?.state].filter((word) => word !== undefined).join(' '))
    return script(iq)
  })
  const file = await OfferedFile.inspect((await makeFile(t, 10)).path, {})
  const places = [new FeedPlace({ service: FEEDS, node: 'nightly', pubsub: new PubsubClient(session, FEEDS) }, 'one')]
  const offer = new Offer({ session, clock: systemClock, places, audience: everybody }, { id: 'one', file, isTakenOver }, { signal })
  return { offer, asked }
}

test('what is given up while it is announced is taken back', async (t) => {
  const giving = new AbortController()
  const script: Script = () => {
    giving.abort()
    return undefined
  }
  const { offer, asked } = await scene(t, script, { signal: giving.signal })
  await t.throwsAsync(offer.begin(), { code: 'ERR_ABORTED' })
  t.deepEqual(asked, ['publish available', 'retract'])
  t.is((await offer.done).reason, 'withdrawn')
})

test('what was there before, as one whose owner is away, is left as such', async (t) => {
  const giving = new AbortController()
  const script: Script = () => {
    giving.abort()
    return undefined
  }
  const { offer, asked } = await scene(t, script, { signal: giving.signal, isTakenOver: true })
  await t.throwsAsync(offer.begin(), { code: 'ERR_ABORTED' })
  t.deepEqual(asked, ['publish available', 'publish paused'])
})

test('where it was refused there is nothing to take back', async (t) => {
  const script: Script = () => {
    throw stanzaError('forbidden', { type: 'auth' })
  }
  const { offer, asked } = await scene(t, script, {})
  await t.throwsAsync(offer.begin(), { code: 'ERR_STANZA' })
  t.deepEqual(asked, ['publish available'])
})
