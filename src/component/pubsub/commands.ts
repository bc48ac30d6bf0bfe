import { randomUUID } from 'node:crypto'
import { BytestreamError } from '../../core/index.ts'
import type { Asker, SubscriptionView } from '../../pubsub/index.ts'
import {
  buildCommandAnswer,
  type CommandAnswer,
  type CommandRequest,
  type DiscoInfo,
  type DiscoItem,
  type Element,
  NS,
} from '../../xep/index.ts'

/** What a step comes to, and those who wait for a decision, who are asked about in messages. */
export interface Step extends Pick<CommandAnswer, 'status' | 'form'> {
  readonly pending?: readonly SubscriptionView[]
}

/** Something that is done by filling in forms (XEP-0050). */
export interface ServiceCommand {
  readonly node: string
  readonly title: string
  /** Of the forms that are submitted to it. */
  readonly formType: string
  /** @param request without those that cancel it @throws BytestreamError where it is refused; then nothing has changed */
  perform(asker: Asker, request: CommandRequest): Step | Promise<Step>
}

/** The commands of the service, by name. */
export class Commands {
  readonly #commands = new Map<string, ServiceCommand>()

  constructor(commands: readonly ServiceCommand[]) {
    for (const command of commands) this.add(command)
  }

  add(command: ServiceCommand): void {
    this.#commands.set(command.node, command)
  }

  /** @throws BytestreamError `ERR_ITEM_NOT_FOUND` */
  find(node: string): ServiceCommand {
    const command = this.#commands.get(node)
    if (!command) throw new BytestreamError('ERR_ITEM_NOT_FOUND', 'there is no such command')
    return command
  }

  /** Whether a name of service discovery is of the commands (XEP-0050 §2), not of the nodes. */
  has(name: string): boolean {
    return name === NS.commands || this.#commands.has(name)
  }

  describe(name: string): DiscoInfo {
    const title = this.#commands.get(name)?.title
    const identity = title === undefined ? { type: 'command-list', name: 'Commands' } : { type: 'command-node', name: title }
    return { identities: [{ category: 'automation', ...identity }], features: [NS.commands, NS.dataForms] }
  }

  /** @param jid the address of the service */
  list(jid: string): readonly DiscoItem[] {
    return [...this.#commands.values()].map(({ node, title }) => ({ jid, node, name: title }))
  }
}

/** One step of a command. @throws BytestreamError as the command does */
export async function performStep(
  command: ServiceCommand,
  asker: Asker,
  request: CommandRequest,
): Promise<{ readonly answer: Element; readonly pending: readonly SubscriptionView[] }> {
  const { node, action, sessionId = randomUUID(), form } = request
  if (action === 'cancel' || form?.type === 'cancel') {
    return { answer: buildCommandAnswer({ node, sessionId, status: 'canceled' }), pending: [] }
  }
  const { pending = [], ...answer } = await command.perform(asker, request)
  return { answer: buildCommandAnswer({ node, sessionId, ...answer }), pending }
}
