import { BytestreamError, startDeadline, throwIfAborted, toBytestreamError } from '../../core/index.ts'
import { type Element, NS, type StreamInitiation } from '../../xep/index.ts'
import type { Bytestream } from '../bytestream.ts'
import { type AnnouncingComponents, announceAndOpenInBand } from '../in-band/open-in-band.ts'
import { keepWay, noneHasWorked } from '../last-ways.ts'
import { hasStreamhosts, type RequesterComponents, requestBytestream } from '../socks5/requester.ts'
import { defaultTimings } from '../timings.ts'
import type { InitiatorStep, MethodChoice, WayInit } from '../way.ts'
import { offerStream } from './stream-initiation.ts'

export type InitiatorComponents = RequesterComponents & AnnouncingComponents

export interface InitiateInit extends WayInit, Pick<StreamInitiation, 'profile' | 'payload' | 'mimeType'> {
  /** Full JID, or the address of a component. */
  readonly to: string
  readonly sid: string
  /** Hears each step, in order. */
  readonly onStep?: (step: InitiatorStep) => void
  /** Hears what the profile adds to the acceptance; what it throws ends the negotiation. */
  readonly onAnswer?: (payload: Element | undefined) => void
}

/**
 * Offers a stream, and opens it the way the other side has chosen. With `auto`, a stream no streamhost works for is
 * opened in band under the same id, where the other side takes that.
 *
 * @throws BytestreamError as {@link offerStream}, {@link requestBytestream} and {@link openInBand} do
 * @see XEP-0095 §3.2, XEP-0096 §4
 */
export async function initiateStream(components: InitiatorComponents, init: InitiateInit): Promise<Bytestream> {
  const { to, sid, profile, payload, mimeType, method = 'auto', onStep = () => {}, onAnswer } = init
  const { overallMsMax, answerMsMax } = { ...defaultTimings, ...init.timings }
  const message = `no bytestream to ${to} within ${overallMsMax / 1000} s`
  using deadline = startDeadline(components.clock, overallMsMax, 'ERR_TIMEOUT', message, init.signal)
  const { signal } = deadline
  const whyInBand = method === 'auto' ? await whyNoStreamhost(components, { ...init, signal }) : undefined
  const offer = { to, id: sid, profile, payload, mimeType, methods: whyInBand === undefined ? offered[method] : [NS.inBand] }
  const chosen = await offerStream(components.session, { ...offer, answerMsMax, signal, onAnswer })
  onStep({ step: 'accepted' })
  if (method === 'auto' && chosen !== NS.bytestreams) onStep({ step: 'in band', reason: whyInBand ?? `${to} has chosen it` })
  const opened = open(components, { ...init, signal }, chosen)
  if (method === 'auto') keepWay(components.ways, to, opened)
  return await opened
}

function open(components: InitiatorComponents, init: InitiateInit, chosen: string): Promise<Bytestream> {
  const { method = 'auto' } = init
  if (chosen === NS.bytestreams && method === 'auto') return requestOrFallBack(components, init)
  if (method === 'direct' || method === 'proxy') return requestBytestream(components, { ...init, method })
  return announceAndOpenInBand(components, init)
}

/** @returns why none is worth offering, or `undefined` */
async function whyNoStreamhost(components: InitiatorComponents, init: InitiateInit): Promise<string | undefined> {
  if (components.ways?.recall(init.to) === 'ibb') return noneHasWorked(init.to)
  return (await hasStreamhosts(components, init)) ? undefined : 'there is no streamhost to offer'
}

/** By choice, in order of preference. */
const offered = {
  auto: [NS.bytestreams, NS.inBand],
  direct: [NS.bytestreams],
  proxy: [NS.bytestreams],
  ibb: [NS.inBand],
} as const satisfies Record<MethodChoice, readonly string[]>

/** What the other side cannot reach is no reason to give up: whoever takes files by stream initiation takes both ways (XEP-0096 §4). */
async function requestOrFallBack(components: InitiatorComponents, init: InitiateInit): Promise<Bytestream> {
  const { signal, onStep = () => {} } = init
  let ofProxy: BytestreamError | undefined
  try {
    return await requestBytestream(components, {
      ...init,
      method: 'auto',
      onStep(step) {
        if (step.step === 'proxy failed') ofProxy = step.error
        onStep(step)
      },
    })
  } catch (thrown) {
    throwIfAborted(signal)
    const error = toBytestreamError(thrown)
    if (error.code !== 'ERR_NO_STREAMHOST' && error !== ofProxy) throw error
    onStep({ step: 'in band', reason: error.message })
    return await announceAndOpenInBand(components, init).catch((cause: unknown) => {
      throwIfAborted(signal)
      throw new BytestreamError(error.code, `${error.message}; and in band: ${toBytestreamError(cause).message}`, { cause })
    })
  }
}
