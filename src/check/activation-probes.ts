import type { StanzaError } from '../core/index.ts'
import { buildActivate } from '../xep/index.ts'
import { activate, ask, exchange, join, newBytestream, openPair, openSocket, type Pair, refusalOf, shakeHands } from './contact.ts'
import { type Finding, failed, type Probe, type ProbeContext, passed, skipped, warning } from './probe.ts'
import type { RawSocket } from './raw-socket.ts'

const NEEDS = ['target-first'] as const

/** Whether a pair is lost shows in a fraction of the time that octets get. */
const HARM_QUIET_DIVISOR = 5

/** What XEP-0065 §6.3.5 wants to be answered. */
function expectRefusal(refusal: StanzaError | undefined, condition: string): Finding {
  if (!refusal) return failed(`activated, instead of answering ${condition}`)
  return refusal.condition === condition ? passed(condition) : failed(`${refusal.condition} instead of ${condition}`)
}

const unknownSid: Probe = {
  id: 'unknown-sid',
  proves: 'activating a bytestream that nobody connected for is answered with item-not-found',
  section: '§6.3.5',
  remedy: 'Clients cannot tell their users what went wrong. This is a fault of the proxy itself.',
  needs: NEEDS,
  scope: 'one',
  run: async (context) => expectRefusal(await refusalOf(activate(context, newBytestream(context))), 'item-not-found'),
}

const oneSocket: Probe = {
  id: 'one-socket',
  proves: 'activating with one of two sockets is answered with not-allowed',
  section: '§6.3.5',
  remedy: 'Clients cannot tell whether the other side is on its way or the bytestream unknown. This is a fault of the proxy itself.',
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const bytestream = newBytestream(context)
    await join(context, bytestream.dstAddr)
    return expectRefusal(await refusalOf(activate(context, bytestream)), 'not-allowed')
  },
}

const waitingSurvives: Probe = {
  id: 'waiting-survives',
  proves: 'the socket that waits survives an activation that came too early: with the second socket it succeeds',
  section: '§6.3.5',
  remedy: 'A requester that activates a moment too early loses the transfer. This is a fault of the proxy itself.',
  needs: ['both-ways'],
  scope: 'one',
  async run(context) {
    const bytestream = newBytestream(context)
    const first = await join(context, bytestream.dstAddr)
    if (!(await refusalOf(activate(context, bytestream)))) return failed('one socket was activated')
    const second = await join(context, bytestream.dstAddr)
    return stillWorks(context, { ...bytestream, first, second }, 'survived')
  },
}

/** Activates a pair, and sends something each way. */
async function stillWorks(context: ProbeContext, pair: Pair, detail: string): Promise<Finding> {
  const refusal = await refusalOf(activate(context, pair))
  if (refusal) return failed(`the activation failed: ${refusal.message}`)
  const wrong = await exchange(context, pair)
  return wrong ? failed(wrong) : passed(detail)
}

const malformedJid: Probe = {
  id: 'malformed-jid',
  proves: 'activating for a target that is no JID is answered with an error',
  section: '§6.3.5',
  remedy: 'A client with a mistake hears nothing, or something wrong. This is a fault of the proxy itself.',
  needs: NEEDS,
  scope: 'one',
  async run(context) {
    const { sid } = newBytestream(context)
    const refusal = await refusalOf(ask(context, 'set', buildActivate({ sid, targetJid: '@' })))
    return refusal ? passed(refusal.condition) : failed('activated')
  },
}

const otherRequester: Probe = {
  id: 'other-requester',
  proves: 'nobody but the requester can activate a bytestream, not even another device of the account',
  section: '§6.3.5',
  remedy: 'Whoever knows a sid can start the bytestreams of others. This is a fault of the proxy itself.',
  needs: ['both-ways'],
  scope: 'one',
  async run(context) {
    if (!context.peer) return skipped('there is no second session to try it from')
    const pair = await openPair(context)
    const refusal = await refusalOf(activate(context, pair, context.peer))
    if (!refusal) return failed(`${context.peer.jid} activated a bytestream of ${context.session.jid}`)
    return stillWorks(context, pair, `${refusal.condition} for ${context.peer.jid}`)
  },
}

const THIRD_REMEDY =
  'Whoever learns a DST.ADDR can take a bytestream over (XEP-0065 §11.2), and a client that opens every streamhost destroys its own transfer. This is a fault of the proxy itself; only another proxy helps.'

/** A third socket of a bytestream. */
async function tryThird(context: ProbeContext, { dstAddr }: Pair): Promise<{ readonly third: RawSocket; readonly isLetIn: boolean }> {
  const third = await openSocket(context)
  return { third, isLetIn: (await shakeHands(context, third, dstAddr)) === 'admitted' }
}

/** What letting a third socket in does to the pair, while it is there and when it leaves. */
async function tellHarm(context: ProbeContext, pair: Pair, third: RawSocket): Promise<Finding> {
  const beside = await exchange(context, pair)
  if (beside) return failed(`let in, and the pair was lost: ${beside}`)
  third.destroy()
  const { octets, ending } = await pair.first.read(1, context.timings.quietMsMax / HARM_QUIET_DIVISOR)
  const isHurt = octets.length > 0 || ending !== 'quiet' || (await exchange(context, pair)) !== undefined
  return failed(isHurt ? 'let in, and the pair was lost when it left' : 'let in, though the pair went on')
}

const thirdWaiting: Probe = {
  id: 'third-waiting',
  proves: 'a third socket is refused while two wait, and they are a pair afterwards',
  section: '§10.1, §11.2',
  remedy: THIRD_REMEDY,
  needs: ['both-ways'],
  scope: 'one',
  async run(context) {
    const pair = await openPair(context)
    const { third, isLetIn } = await tryThird(context, pair)
    if (!isLetIn) return stillWorks(context, pair, 'refused, the pair undisturbed')
    const refusal = await refusalOf(activate(context, pair))
    return refusal ? failed(`let in, and the activation failed: ${refusal.message}`) : tellHarm(context, pair, third)
  },
}

const thirdActive: Probe = {
  id: 'third-active',
  proves: 'a third socket is refused while a bytestream runs, which goes on undisturbed',
  section: '§10.1, §11.2',
  remedy: THIRD_REMEDY,
  needs: ['both-ways'],
  scope: 'one',
  async run(context) {
    const pair = await openPair(context)
    await activate(context, pair)
    const before = await exchange(context, pair)
    if (before) return failed(before)
    const { third, isLetIn } = await tryThird(context, pair)
    if (isLetIn) return tellHarm(context, pair, third)
    const wrong = await exchange(context, pair)
    return wrong ? failed(wrong) : passed('refused, the bytestream undisturbed')
  },
}

const twice: Probe = {
  id: 'twice',
  proves: 'activating again what is active does no harm',
  section: '§6.3.5',
  remedy: 'A client that repeats its activation, since the answer was late, loses the transfer. This is a fault of the proxy itself.',
  needs: ['both-ways'],
  scope: 'one',
  async run(context) {
    const pair = await openPair(context)
    await activate(context, pair)
    const refusal = await refusalOf(activate(context, pair))
    const wrong = await exchange(context, pair)
    if (wrong) return failed(wrong)
    return refusal ? warning(`it works on, but the answer is ${refusal.condition}`) : passed('answered like the first time')
  },
}

export const activationProbes: readonly Probe[] = [
  unknownSid,
  oneSocket,
  waitingSurvives,
  malformedJid,
  otherRequester,
  twice,
  thirdWaiting,
  thirdActive,
]
