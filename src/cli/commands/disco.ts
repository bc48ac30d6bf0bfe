import type { Command } from 'commander'
import { accountOptions } from '../../config/index.ts'
import { prepareJid } from '../../core/index.ts'
import type { TransferClient } from '../../transfer/index.ts'
import { buildDiscoInfoRequest, buildDiscoItemsRequest, parseDiscoInfo, parseDiscoItems } from '../../xep/index.ts'
import { accountOf, addExamples, addOptions, logIn, type Run, type Start, settingsOf } from '../command-line.ts'
import { tableLines, tellForm } from './pubsub-lines.ts'

/** `streamhost disco JID [NODE]`, `streamhost disco info|items JID` (XEP-0030). */
export function addDisco(program: Command, start: Start): void {
  const disco = program.command('disco').description('ask an entity what it is (info), what it offers (items), or both')
  const all = disco
    .command('all', { isDefault: true })
    .argument('<jid>', 'whom to ask')
    .argument('[node]', 'about this node')
    .description('what it is, then what it offers; "streamhost disco JID" does')
    .option('--items', 'only what it offers')
  const info = disco
    .command('info')
    .argument('<jid>', 'whom to ask')
    .option('--node <NODE>', 'about this node')
    .description('identities and features, and what else it tells of itself')
  const items = disco
    .command('items')
    .argument('<jid>', 'whom to ask')
    .option('--node <NODE>', 'of this node')
    .description('the services of a server, the nodes of a service')

  addExamples(
    all,
    'streamhost disco example.org --account you@example.org --password-file pw',
    'streamhost disco pubsub.example.org builds --account you@example.org \\',
    '  --password-file pw',
  )
  addExamples(info, 'streamhost disco info proxy.example.org --account you@example.org \\', '  --password-file pw')
  addExamples(items, 'streamhost disco items example.org --account you@example.org \\', '  --password-file pw')
  addOptions(all, accountOptions).action((jid: string, node: string | undefined) => {
    const telling = all.opts<{ items?: boolean }>().items ? [tellItems] : [tellInfo, tellItems]
    return ask(all, start, { jid, node, telling })
  })
  for (const [command, tell] of [
    [info, tellInfo],
    [items, tellItems],
  ] as const) {
    addOptions(command, accountOptions).action((jid: string) =>
      ask(command, start, { jid, node: command.opts<{ node?: string }>().node, telling: [tell] }),
    )
  }
}

/** Whom to ask, and about what. */
interface About {
  readonly jid: string
  readonly node: string | undefined
}

type Tell = (client: TransferClient, run: Run, about: About) => Promise<void>

function ask(command: Command, start: Start, { jid, node, telling }: About & { readonly telling: readonly Tell[] }): Promise<void> {
  return start(command, async (run) => {
    const about = { jid: prepareJid(jid), node }
    const init = { ...accountOf(settingsOf(command, accountOptions, run), run), reconnect: false }
    await using client = await logIn(init, run)
    for (const tell of telling) await tell(client, run, about)
  })
}

async function tellInfo({ session }: TransferClient, { output, signal }: Run, { jid, node }: About): Promise<void> {
  const answer = await session.request({ type: 'get', to: jid, payload: buildDiscoInfoRequest(node) }, { signal })
  const { identities, features, forms = [] } = answer ? parseDiscoInfo(answer) : { identities: [], features: [] }
  for (const { category, type, name } of identities) {
    output.tell('identity', { category, type, name }, `identity  ${category}/${type}${name ? `  ${name}` : ''}`)
  }
  for (const feature of features) output.tell('feature', { var: feature }, `feature   ${feature}`)
  for (const form of forms) tellForm(output, form)
}

async function tellItems({ session }: TransferClient, { output, signal }: Run, { jid, node }: About): Promise<void> {
  const answer = await session.request({ type: 'get', to: jid, payload: buildDiscoItemsRequest(node) }, { signal })
  const items = answer ? parseDiscoItems(answer) : []
  const lines = tableLines(
    output,
    items.map((item) => [item.jid, item.node ?? '', item.name ?? '']),
  )
  for (const [index, item] of items.entries()) output.tell('item', item, ...lines.slice(index, index + 1))
}
