import { randomUUID } from 'node:crypto'
import { BytestreamError, type StanzaError, tryPrepareJid } from '../core/index.ts'
import type { QuestionOptions, SessionEvents } from '../session/index.ts'
import {
  type Approval,
  buildApproval,
  buildCommand,
  buildMessage,
  type CommandAnswer,
  type CommandRequest,
  NS,
  type PubsubSubscriber,
  parseApprovalRequest,
  parseCommandAnswer,
  parseStanzaError,
  pubsubForms,
} from '../xep/index.ts'
import type { Asking } from './asking.ts'

const COMMAND = `${NS.pubsub}#get-pending`
const FIELD = 'pubsub#node'
/** Requests to subscribe to one node that are gathered. */
const REQUESTS_MAX = 1_000

/**
 * Whoever waits for us: at one node, or at each the service names. A node's requests come as messages, before the answer to
 * what is asked last of all.
 *
 * @see XEP-0060 §8.7
 */
export async function* pendingAt(
  asking: Asking,
  node: string | undefined,
  options: QuestionOptions,
): AsyncGenerator<PubsubSubscriber, void, undefined> {
  const { sessionId, form } = await step(asking, { node: COMMAND, action: 'execute' }, options)
  const offered = form?.fields.find((field) => field.var === FIELD)?.options ?? []
  const nodes = node === undefined ? offered.map(({ value }) => value) : [node]
  for (const each of nodes) {
    const fields = [{ var: FIELD, values: [each] }]
    const wanted = { type: 'submit', formType: pubsubForms.subscribeAuthorization, fields } as const
    const requests = new Map<string, PubsubSubscriber>()
    const onMessage = (_: SessionEvents['message'][0], stanza: SessionEvents['message'][1]) => {
      const request = parseApprovalRequest(stanza)
      if (request?.node === each && requests.size <= REQUESTS_MAX) requests.set(JSON.stringify([request.jid, request.subid]), request)
    }
    await whileHearing(asking, onMessage, async () => {
      await step(asking, { node: COMMAND, action: 'execute', sessionId, form: wanted }, options)
      await asking.describe(undefined, options)
    })
    if (requests.size > REQUESTS_MAX) throw new BytestreamError('ERR_PUBSUB_LIMIT', `more than ${REQUESTS_MAX} wait at ${each}`)
    yield* requests.values()
  }
}

async function step({ session, service }: Asking, request: CommandRequest, options: QuestionOptions): Promise<CommandAnswer> {
  const answer = await session.request({ type: 'set', to: service, payload: buildCommand(request) }, options)
  if (!answer) throw new BytestreamError('ERR_BAD_REQUEST', 'the answer does not say what became of the command')
  return parseCommandAnswer(answer)
}

/**
 * Tells the service a decision. Nothing answers it but an error, which comes before the answer to what is asked behind it.
 *
 * @see XEP-0060 §8.6
 */
export async function decide(asking: Asking, approval: Approval, options: QuestionOptions): Promise<void> {
  const id = randomUUID()
  let refusal: StanzaError | undefined
  const onMessage = (message: SessionEvents['message'][0], stanza: SessionEvents['message'][1]) => {
    if (message.type === 'error' && message.id === id) refusal = parseStanzaError(stanza)
  }
  await whileHearing(asking, onMessage, async () => {
    asking.session.send(buildMessage({ to: asking.service, id }, buildApproval(approval)))
    await asking.describe(undefined, options)
  })
  if (refusal) throw refusal
}

/** Hears what the service says meanwhile. */
async function whileHearing(
  { session, service }: Asking,
  onMessage: (...message: SessionEvents['message']) => void,
  work: () => Promise<void>,
): Promise<void> {
  const from = tryPrepareJid(service)
  const hear = (...message: SessionEvents['message']) => {
    if (tryPrepareJid(message[0].from ?? '') === from) onMessage(...message)
  }
  session.on('message', hear)
  try {
    await work()
  } finally {
    session.off('message', hear)
  }
}
