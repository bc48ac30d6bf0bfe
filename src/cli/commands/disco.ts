import type { Command } from 'commander'
import { accountOptions } from '../../config/index.ts'
import { prepareJid } from '../../core/index.ts'
import { TransferClient } from '../../transfer/index.ts'
import { buildDiscoInfoRequest, buildDiscoItemsRequest, parseDiscoInfo, parseDiscoItems } from '../../xep/index.ts'
import { accountOf, addExamples, addOptions, type Run, type Start, settingsOf } from '../command-line.ts'

/** `streamhost disco info|items JID` (XEP-0030). */
export function addDisco(program: Command, start: Start): void {
  const disco = program.command('disco').description('ask an entity what it is (info) or what it offers (items)')
  const info = disco
    .command('info')
    .argument('<jid>', 'whom to ask')
    .option('--node <NODE>', 'about this node')
    .description('identities and features')
  const items = disco
    .command('items')
    .argument('<jid>', 'whom to ask')
    .option('--node <NODE>', 'of this node')
    .description('the services of a server, the nodes of a service')

  addExamples(info, 'streamhost disco info proxy.example.org --account you@example.org \\', '  --password-file pw')
  addExamples(items, 'streamhost disco items example.org --account you@example.org \\', '  --password-file pw')
  addOptions(info, accountOptions).action((jid: string) =>
    start(info, async (run) => {
      await using client = await logIn(info, run)
      const answer = await client.session.request(
        { type: 'get', to: prepareJid(jid), payload: buildDiscoInfoRequest(info.opts<{ node?: string }>().node) },
        { signal: run.signal },
      )
      const { identities, features } = answer ? parseDiscoInfo(answer) : { identities: [], features: [] }
      for (const identity of identities)
        run.output.tell(
          'identity',
          { ...identity },
          `identity  ${identity.category}/${identity.type}${identity.name ? `  ${identity.name}` : ''}`,
        )
      for (const feature of features) run.output.tell('feature', { var: feature }, `feature   ${feature}`)
    }),
  )
  addOptions(items, accountOptions).action((jid: string) =>
    start(items, async (run) => {
      await using client = await logIn(items, run)
      const answer = await client.session.request(
        { type: 'get', to: prepareJid(jid), payload: buildDiscoItemsRequest(items.opts<{ node?: string }>().node) },
        { signal: run.signal },
      )
      for (const item of answer ? parseDiscoItems(answer) : []) {
        run.output.tell('item', { ...item }, [item.jid, item.node, item.name].filter((part) => part !== undefined).join('  '))
      }
    }),
  )
}

function logIn(command: Command, run: Run): Promise<TransferClient> {
  return TransferClient.connect({ ...accountOf(settingsOf(command, accountOptions, run), run), reconnect: false }, { logger: run.logger })
}
