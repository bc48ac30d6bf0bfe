import type { ExecutionContext } from 'ava'
import { attribute, type Element, NS } from '../../src/xep/index.ts'
import { cut } from './fragments.ts'
import type { Addresses, HostileStanza } from './hostile-stanzas.ts'
import type { RawStream } from './raw-client.ts'

/** Whoever has to bear hostile stanzas. */
export interface Victim {
  readonly name: string
  readonly addresses: Addresses
  /** Whether it says why it ends a stream. */
  readonly saysWhy: boolean
  /** Whether somebody on the way may end the stream for what the victim itself would answer, or pass over. */
  readonly isGuarded: boolean
  /** Octets of a stanza beyond which it is over the limit. */
  readonly stanzaBytesMax: number
  /** Whether a stanza over a limit loses its content, instead of ending the stream. */
  readonly isCutting: boolean
  /** Opens a stream that ends at the victim, after the last one has ended. */
  open(): Promise<RawStream>
}

/** How a stream went on. */
interface Outcome {
  /** Results and errors that came back. */
  readonly answers: readonly Element[]
  /** Of the stream error; empty where the stream ended without one; `undefined` while it goes on. */
  readonly ended: string | undefined
}

let probes = 0

/** What is waited for: the end of the stream, the answer to a question everybody answers, or another one besides. */
type Until = 'ended' | 'probed' | 'answered'

/** Reads on so far, or to the end. */
async function listen(stream: RawStream, { from, to }: Addresses, until: Until): Promise<Outcome> {
  probes += 1
  const id = `probe-${probes}`
  if (until !== 'ended')
    stream.send(`<iq type='get' id='${id}' to='${to}'${from === undefined ? '' : ` from='${from}'`}><ping xmlns='${NS.ping}'/></iq>`)
  const answers: Element[] = []
  let condition = ''
  let isProbed = false
  // Some questions are thought about before they are answered.
  while (!isProbed || (until === 'answered' && answers.length === 0)) {
    let element: Element
    try {
      element = await stream.next()
    } catch {
      return { answers, ended: condition }
    }
    const type = attribute(element, 'type')
    if (element.is('error', NS.stream)) condition = element.getChildElements()[0]?.name ?? ''
    else if (attribute(element, 'id') === id && type === 'result') isProbed = true
    else if (attribute(element, 'id') === id) throw new Error(`who is to answer is gone: ${element}`)
    else if (element.getName() === 'iq' && (type === 'result' || type === 'error')) answers.push(element)
  }
  return { answers, ended: undefined }
}

/**
 * What servers judge themselves (RFC 6120 §8.2.3). Prosody drops some of it when a component says it, and answers a
 * result without an id.
 */
const improper: readonly string[] = [
  'no child',
  'several children',
  'an IQ of no type',
  'a question without an id',
  'a question with an empty id',
  'an answer without an id',
]

/** @returns what is wrong with it, if anything */
function complaint(
  { kind, fate, id }: Pick<HostileStanza, 'kind' | 'fate' | 'id'>,
  { answers, ended }: Outcome,
  { saysWhy, isGuarded }: Victim,
): string | undefined {
  const isRefused = isGuarded && (improper.includes(kind) ? answers.length <= 1 : ended !== undefined && answers.length === 0)
  if (fate === 'either' || fate === 'more') return undefined
  if (fate === 'end') return ended === undefined ? 'the stream goes on' : undefined
  if (fate === 'violation') {
    if (ended === undefined) return 'the stream goes on'
    return saysWhy && ended === '' ? 'the stream has ended without an error' : undefined
  }
  if (fate === 'over') return ended === undefined ? undefined : `the stream has ended (${ended})`
  if (isRefused) return undefined
  if (ended !== undefined) return `the stream has ended (${ended})`
  if (fate === 'silence') return answers.length === 0 ? undefined : `there was an answer: ${answers[0]}`
  if (answers.length !== 1) return `${answers.length} answers`
  return id === undefined || attribute(answers[0] as Element, 'id') === id ? undefined : `the answer is to another question: ${answers[0]}`
}

/**
 * Says one thing after the other to a victim, and holds what becomes of each against what has to.
 *
 * @returns how many were answered, as far as that was their fate
 */
export async function harass(t: ExecutionContext, victim: Victim, stanzas: readonly HostileStanza[]): Promise<number> {
  let stream: RawStream | undefined
  let answered = 0
  for (const stanza of stanzas) {
    stream ??= await victim.open()
    const octets = stanza.octets(victim.addresses)
    for (const segment of cut(octets, stanza.cuts)) {
      stream.send(segment)
      if (stanza.cuts.length > 0) await new Promise(setImmediate)
    }
    if (stanza.fate === 'more') {
      stream.destroy()
      await stream.rest()
      stream = undefined
      continue
    }
    const isOver = stanza.fate === 'over' || (octets.length > victim.stanzaBytesMax && stanza.fate !== 'end')
    const fate = !isOver ? stanza.fate : victim.isCutting ? 'over' : 'violation'
    const mayBeDropped = victim.isGuarded && improper.includes(stanza.kind)
    const until = fate === 'violation' || fate === 'end' ? 'ended' : fate === 'answer' && !mayBeDropped ? 'answered' : 'probed'
    const outcome = await listen(stream, victim.addresses, until)
    const wrong = complaint({ ...stanza, fate }, outcome, victim)
    if (wrong) t.fail(`${victim.name}, ${stanza.kind}, cut at ${stanza.cuts}: ${wrong}, after ${octets.toString().slice(0, 700)}`)
    if (fate === 'answer') answered += outcome.answers.length
    if (outcome.ended !== undefined) stream = undefined
  }
  await stream?.close()
  return answered
}
