import { once } from 'node:events'
import test, { type ExecutionContext } from 'ava'
import { BytestreamError, type ErrorCode, errorCodes, StanzaError } from '../../src/core/index.ts'
import { Session } from '../../src/session/index.ts'
import { isTransient, retrying } from '../../src/transfer/retry.ts'
import { Transfer } from '../../src/transfer/transfer.ts'
import type { Progress, Sent } from '../../src/transfer/transfer-facts.ts'
import { FakeClock } from '../helpers/fake-clock.ts'
import { settle } from '../helpers/settle.ts'

// Goal: what was interrupted is tried again when, and only when, that may help, and nothing is left of it when it is over.
// Method: attempts that do what the test says, a clock that stands still, and a session whose connection the test makes and loses.

const SIZE = 1_000
const sent = { path: '/file.bin', size: SIZE, sha256: '', method: 'direct', confirmed: true } as const satisfies Sent
const unreachable = () => new BytestreamError('ERR_UNREACHABLE', 'the network is gone')
const broken = () => new BytestreamError('ERR_RESET', 'it broke')

/** What an attempt does: how far it comes, and how it fails, or nothing where it does not. */
interface Attempt {
  readonly reaches?: 'asked' | 'accepted'
  /** Milliseconds until its turn comes. */
  readonly waits?: number
  /** Octets that are there already. */
  readonly from?: number
  /** Octets that are there in the end. */
  readonly to?: number
  readonly fails?: BytestreamError
}

interface SceneInit {
  readonly forMs?: number
  readonly hasAccepted?: boolean
  /** Tries to log in that fail, after the session was lost and before the transfer begins. */
  readonly offline?: number
}

async function setScene(
  t: ExecutionContext,
  attempts: readonly Attempt[],
  { forMs = 600_000, hasAccepted = false, offline = 0 }: SceneInit = {},
) {
  const clock = new FakeClock()
  let lose = (_: BytestreamError) => {}
  /** What the next connections are: there, or not, and why. */
  const refusals: BytestreamError[] = []
  const session = new Session(
    { clock },
    async () => {
      const refusal = refusals.shift()
      if (refusal) throw refusal
      const closed = new Promise<BytestreamError | undefined>((resolve) => {
        lose = resolve
      })
      return { jid: 'sender@localhost/a', send() {}, sendPiece: async () => false, close: () => lose(undefined as never), closed }
    },
    { reconnect: 'once online', backOff: { firstMs: 100, retryMsMax: 100 } },
  )
  t.teardown(() => session.stop())
  await session.start()
  if (offline > 0) {
    refusals.push(...Array.from({ length: offline }, unreachable))
    lose(unreachable())
    await once(session, 'offline')
  }
  const listeners = () => session.listenerCount('online') + session.listenerCount('ended')
  const idle = { timers: clock.waiting, listeners: listeners() }
  const left = [...attempts]
  const begun: number[] = []
  const work = async (transfer: Transfer) => {
    begun.push(clock.now())
    const { waits = 0, reaches = 'opened', from = 0, to = SIZE, fails } = left.shift() ?? {}
    clock.advance(waits)
    transfer.moveTo('preparing')
    transfer.update({ size: SIZE })
    if (reaches !== 'asked') transfer.emit('step', { step: 'accepted' })
    if (reaches === 'opened') {
      transfer.startFrom(from, 'it begins again')
      const facts = { method: 'direct', streamhost: undefined, dstAddr: undefined, peer: 'a@b/c', negotiation: 'jingle' } as const
      transfer.emit('opened', facts)
      transfer.moveTo('moving')
      clock.advance(100)
      transfer.update({ bytes: to })
    }
    if (fails) throw fails
    return sent
  }
  const init = { forMs, hasAccepted: () => hasAccepted }
  const transfer = new Transfer(clock, { direction: 'send', peer: 'a@b/c', name: 'file.bin' }, (it) =>
    retrying({ clock, session, random: () => 0 }, it, init, () => work(it)),
  )
  const told: [ErrorCode, attempt: number, retryMs: number][] = []
  transfer.on('interrupted', ({ error, attempt, retryMs }) => told.push([error.code, attempt, retryMs]))
  const isOver = () => transfer.state === 'done' || transfer.state === 'failed'
  /** Lets time pass until the transfer is over, or rests no more. */
  const goOn = async (looks = 100) => {
    for (let look = 0; look < looks && !isOver(); look++) {
      await settle()
      const rest = told.at(-1)?.[2] ?? 0
      if (transfer.state === 'interrupted') clock.advance(rest)
    }
    await settle()
  }
  /** But for what waits for the end of a session that has ended. */
  const isIdle = () => {
    t.is(clock.waiting, idle.timers)
    t.is(listeners(), idle.listeners - (session.end ? 1 : 0))
  }
  return { clock, session, refusals, lose: (error: BytestreamError) => lose(error), transfer, told, begun, goOn, isIdle }
}

test('every code is worth another attempt from some point on, or never; what was refused or wrong is not', (t) => {
  const codes = (reached: 'asked' | 'accepted' | 'opened') =>
    errorCodes.filter((code) => isTransient(new BytestreamError(code, ''), reached))
  t.deepEqual(codes('asked'), [])
  for (const code of ['ERR_RESET', 'ERR_TIMEOUT', 'ERR_NO_RESOURCE', 'ERR_SESSION_CLOSED'] as const)
    t.true(codes('accepted').includes(code))
  t.false(codes('accepted').includes('ERR_NO_STREAMHOST'))
  t.true(codes('opened').includes('ERR_NO_STREAMHOST'))
  for (const code of [
    'ERR_DECLINED',
    'ERR_CANCELLED',
    'ERR_ABORTED',
    'ERR_INTEGRITY',
    'ERR_DISK_SPACE',
    'ERR_FILE',
    'ERR_REPLACED',
  ] as const)
    t.false(codes('opened').includes(code), code)
})

for (const [type, condition, isWorth] of [
  ['cancel', 'service-unavailable', true],
  ['cancel', 'recipient-unavailable', true],
  ['wait', 'resource-constraint', true],
  ['cancel', 'forbidden', false],
  ['modify', 'bad-request', false],
] as const) {
  test(`an answer of ${condition} (${type}) is ${isWorth ? '' : 'not '}worth another attempt, once something was accepted`, (t) => {
    const error = new StanzaError({ type, condition }, '', 'somebody')
    t.is(isTransient(error, 'accepted'), isWorth)
    t.false(isTransient(error, 'asked'))
  })
}

test('pauses double from half a second on, and begin anew after progress', async (t) => {
  const same = { to: 100, fails: broken() }
  const { transfer, told, begun, goOn, isIdle } = await setScene(t, [same, same, same, { to: 200, fails: broken() }, {}])
  await goOn()
  t.deepEqual(
    told.map(([, attempt, retryMs]) => [attempt, retryMs]),
    [
      [1, 500],
      [2, 1_000],
      [3, 2_000],
      [4, 500],
    ],
  )
  t.deepEqual(begun, [0, 600, 1_700, 3_800, 4_400])
  t.like(await transfer.done, { attempts: 5 })
  isIdle()
})

test('what is there already is progress, also where less was sent than before', async (t) => {
  const { told, goOn } = await setScene(t, [
    { to: 500, fails: broken() },
    { from: 300, to: 400, fails: broken() },
  ])
  await goOn()
  t.deepEqual(
    told.map(([, , retryMs]) => retryMs),
    [500, 500],
  )
})

for (const [what, attempt, init] of [
  ['was not accepted', { reaches: 'asked', fails: new BytestreamError('ERR_NO_RESOURCE', 'nobody') }, {}],
  ['has no way that ever worked', { reaches: 'accepted', fails: new BytestreamError('ERR_NO_STREAMHOST', 'no way') }, {}],
  ['was refused', { fails: new BytestreamError('ERR_DECLINED', 'no') }, {}],
  ['was cancelled by the other side', { to: 10, fails: new BytestreamError('ERR_CANCELLED', 'no more') }, {}],
  ['is not to be tried again', { to: 10, fails: broken() }, { forMs: 0 }],
] as const) {
  test(`what ${what} ends at once`, async (t) => {
    const { transfer, told, goOn, isIdle } = await setScene(t, [attempt], init)
    await goOn()
    const error = await t.throwsAsync(transfer.done)
    t.is(error, attempt.fails)
    t.deepEqual(told, [])
    isIdle()
  })
}

test('what was not accepted is tried again where something of the same call was', async (t) => {
  const fails = new BytestreamError('ERR_NO_RESOURCE', 'nobody')
  const { transfer, goOn } = await setScene(t, [{ reaches: 'asked', fails }], { hasAccepted: true })
  await goOn()
  t.like(await transfer.done, { attempts: 2 })
})

test('without progress it is given up in time, with what interrupted it last', async (t) => {
  const absent = new BytestreamError('ERR_NO_RESOURCE', 'nobody')
  const attempts = [{ to: 10, fails: broken() }, ...Array.from({ length: 9 }, () => ({ reaches: 'asked', fails: absent }) as const)]
  const { clock, transfer, told, goOn, isIdle } = await setScene(t, attempts, { forMs: 10_000 })
  await goOn()
  t.is(await t.throwsAsync(transfer.done), absent)
  t.deepEqual(
    told.map(([, , retryMs]) => retryMs),
    [500, 1_000, 2_000, 4_000, 2_500],
  )
  t.is(clock.now(), 10_100)
  isIdle()
})

test('the time until its turn comes is none without progress: what waits long is tried again like anything else', async (t) => {
  const attempts = [
    { waits: 3_600_000, reaches: 'accepted', fails: broken() },
    { waits: 3_600_000, reaches: 'accepted', fails: broken() },
  ] as const
  const { transfer, told, goOn, isIdle } = await setScene(t, attempts)
  await goOn()
  t.like(await transfer.done, { attempts: 3 })
  t.deepEqual(told, [
    ['ERR_RESET', 1, 500],
    ['ERR_RESET', 2, 1_000],
  ])
  isIdle()
})

test('a file is not sent whole over and over', async (t) => {
  const { transfer, begun, goOn } = await setScene(
    t,
    Array.from({ length: 9 }, () => ({ fails: broken() })),
  )
  await goOn()
  await t.throwsAsync(transfer.done, { code: 'ERR_RESET' })
  t.is(begun.length, 3)
})

test('however little is gained by each attempt, they have an end', async (t) => {
  const attempts = Array.from({ length: 1_001 }, (_, at) => ({ from: at / 2, to: at / 2, fails: broken() }))
  const { transfer, begun, goOn } = await setScene(t, attempts)
  await goOn(2_000)
  await t.throwsAsync(transfer.done, { code: 'ERR_RESET' })
  t.is(begun.length, 1_000)
})

test('cancelled while it rests: it ends at once, and nothing is left', async (t) => {
  const { transfer, isIdle } = await setScene(t, [{ to: 10, fails: broken() }])
  await once(transfer, 'interrupted')
  await settle()
  t.is(transfer.state, 'interrupted')
  transfer.cancel()
  await t.throwsAsync(transfer.done, { code: 'ERR_ABORTED' })
  isIdle()
})

test('without a session of our own nobody is asked: it is waited for', async (t) => {
  const { clock, session, transfer, begun } = await setScene(t, [], { offline: 3 })
  await settle()
  t.deepEqual(begun, [])
  while (!session.isOnline) {
    clock.advance(50)
    await settle()
  }
  t.like(await transfer.done, { attempts: 1 })
  t.is(begun.length, 1)
  t.is(clock.waiting, 0)
})

for (const [what, code] of [
  ['another took its place', 'ERR_REPLACED'],
  ['the password was changed', 'ERR_AUTHENTICATION'],
] as const) {
  test(`a session that ends because ${what} ends the transfer, with its reason`, async (t) => {
    const error = new BytestreamError(code, what)
    for (const moment of ['while it rests', 'while it waits for the session'] as const) {
      const { session, transfer, refusals, lose, clock, isIdle } = await setScene(t, [{ to: 10, fails: broken() }])
      await once(transfer, 'interrupted')
      if (moment === 'while it rests') lose(error)
      else {
        refusals.push(error)
        lose(unreachable())
        await once(session, 'offline')
        clock.advance(1_000)
      }
      t.is(await t.throwsAsync(transfer.done), error)
      isIdle()
    }
  })
}

test('a session that never comes back ends the transfer in its time, and a cancel at once', async (t) => {
  for (const isCancelled of [false, true]) {
    const scene = await setScene(t, [{ to: 10, fails: broken() }], { forMs: 5_000 })
    await once(scene.transfer, 'interrupted')
    scene.refusals.push(...Array.from({ length: 999 }, unreachable))
    scene.lose(unreachable())
    await once(scene.session, 'offline')
    scene.clock.advance(1_000)
    await settle()
    if (isCancelled) scene.transfer.cancel()
    for (let tries = 0; scene.transfer.state === 'waiting' && tries < 100; tries++) {
      await settle()
      scene.clock.advance(100)
    }
    await t.throwsAsync(scene.transfer.done, { code: isCancelled ? 'ERR_ABORTED' : 'ERR_SESSION_CLOSED' })
    t.is(scene.begun.length, 1)
  }
})

test('octets, time and rate are told over all attempts; the pause is none of the time', async (t) => {
  const { transfer, goOn } = await setScene(t, [{ to: 600, fails: broken() }, { from: 500 }])
  const reports: Progress[] = []
  const resumed = once(transfer, 'resumed')
  const reading = (async () => {
    for await (const report of transfer.progress()) reports.push(report)
  })()
  await goOn()
  await reading
  t.deepEqual(await resumed, [{ offset: 500 }])
  t.like(await transfer.done, { durationMs: 200, resumedFrom: 500, attempts: 2, movedBytes: 1_100 })
  t.true(reports.every(({ bytesPerSecond }) => bytesPerSecond >= 0))
  t.is(reports.at(-1)?.bytes, SIZE)
})

test('an attempt in which nothing moves ends after its time, and is followed by another, which has all of it again', async (t) => {
  const clock = new FakeClock()
  let attempts = 0
  const { session } = await setScene(t, [])
  const facts = { direction: 'send', peer: 'a@b/c', name: 'file.bin' } as const
  const transfer = new Transfer(clock, facts, (it) =>
    retrying({ clock, session }, it, { forMs: 600_000 }, async () => {
      attempts += 1
      it.emit('step', { step: 'accepted' })
      it.moveTo('moving')
      const { signal } = it
      await once(signal, 'abort')
      throw signal.reason
    }),
  )
  const interrupted: string[] = []
  transfer.on('interrupted', ({ error }) => interrupted.push(error.code))
  await settle()
  clock.advance(299_999)
  await settle()
  t.deepEqual([attempts, interrupted], [1, []])
  clock.advance(1)
  await settle()
  t.deepEqual(interrupted, ['ERR_TIMEOUT'])
  clock.advance(1_000)
  await settle()
  t.is(attempts, 2)
  clock.advance(299_999)
  await settle()
  t.is(transfer.state, 'moving')
  transfer.cancel()
  await t.throwsAsync(transfer.done, { code: 'ERR_ABORTED' })
})

for (const side of ['sends', 'receives'] as const) {
  test(`whoever ${side} has the time to read again what is there, before the first octet moves; behind it none`, async (t) => {
    const clock = new FakeClock()
    const offset = 20_000_000 * 3_600
    const transfer = new Transfer(clock, { direction: 'send', peer: 'a@b/c', name: 'file.bin' }, async (it) => {
      if (side === 'sends') it.startFrom(offset)
      else it.readAgain(offset)
      it.moveTo('moving')
      const { signal } = it
      await once(signal, 'abort')
      throw signal.reason
    })
    await settle()
    clock.advance(3_600_000)
    if (side === 'receives') transfer.startFrom(offset)
    clock.advance(299_999)
    await settle()
    t.is(transfer.state, 'moving')
    transfer.update({ bytes: offset + 1 })
    clock.advance(375_000)
    await t.throwsAsync(transfer.done, { code: 'ERR_TIMEOUT' })
  })
}
