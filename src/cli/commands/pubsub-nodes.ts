import type { Command } from 'commander'
import { BytestreamError } from '../../core/index.ts'
import { addExamples, type Start } from '../command-line.ts'
import { addServiceOptions, addSet, changesOf, type OnService, onService } from './pubsub-command.ts'
import { tableLines, tellForm } from './pubsub-lines.ts'

/** `streamhost pubsub nodes [NODE]`. */
export function addNodes(pubsub: Command, start: Start): void {
  const nodes = pubsub.command('nodes').argument('[node]', 'of this collection').description('tell which nodes a service has')
  addServiceOptions(nodes)
  addExamples(
    nodes,
    'streamhost pubsub nodes --account you@example.org --password-file pw',
    'streamhost pubsub nodes --to pubsub.example.org --account you@example.org',
  )
  nodes.action((collection: string | undefined) =>
    onService(start, nodes, ({ output, signal }) => async (service) => {
      for await (const { node, title } of service.nodes(collection, { signal })) {
        output.tell('node', { service: service.service, node, title }, ...tableLines(output, [[node, title ?? '']]))
      }
    }),
  )
}

/** `streamhost pubsub create [NODE]`. */
export function addCreate(pubsub: Command, start: Start): void {
  const create = pubsub
    .command('create')
    .argument('[node]', 'its name (default: as the service likes)')
    .description('create a node; "configure" without a node tells how it can be')
  addServiceOptions(addSet(create, 'how it is configured, such as access_model=whitelist'))
  addExamples(
    create,
    'streamhost pubsub create builds --set title=Builds --set max_items=50 \\',
    '  --account you@example.org --password-file pw',
  )
  const prepare: OnService = ({ output, signal }) => {
    const config = changesOf(create)
    return async (service) => {
      const node = await service.create(create.args[0], config, { signal })
      output.tell('created', { service: service.service, node }, `created ${node} at ${service.service}`)
    }
  }
  create.action(() => onService(start, create, prepare, { forbidden: 'whoever runs the service says who may create nodes' }))
}

/** `streamhost pubsub configure [NODE]`. */
export function addConfigure(pubsub: Command, start: Start): void {
  const configure = pubsub
    .command('configure')
    .argument('[node]', 'which; without one, how new nodes are is told')
    .description('tell how a node is configured, or change that')
  addServiceOptions(addSet(configure, 'what to change, such as access_model=open'))
  addExamples(
    configure,
    'streamhost pubsub configure builds --account you@example.org \\',
    '  --password-file pw',
    'streamhost pubsub configure builds --set publish_model=open \\',
    '  --account you@example.org --password-file pw',
  )
  configure.action((node: string | undefined) =>
    onService(start, configure, ({ output, signal }) => {
      const changes = changesOf(configure)
      if (node === undefined && changes) throw new BytestreamError('ERR_CONFIG', 'name the node that is to be configured')
      return async (service) => {
        if (node !== undefined && changes) {
          await service.configure(node, changes, { signal })
          output.tell('configured', { node, changes }, `configured ${node}`)
        } else {
          tellForm(output, node === undefined ? await service.defaultConfig('leaf', { signal }) : await service.config(node, { signal }))
        }
      }
    }),
  )
}

/** `streamhost pubsub delete NODE`. */
export function addDelete(pubsub: Command, start: Start): void {
  const command = pubsub
    .command('delete')
    .argument('<node>', 'which')
    .description('delete a node, with its items and subscriptions')
    .option('--redirect <URI>', 'where whoever asks for it is sent, such as xmpp:pubsub.example.org?;node=builds')
  addServiceOptions(command)
  addExamples(command, 'streamhost pubsub delete builds --account you@example.org --password-file pw')
  command.action((node: string) =>
    onService(start, command, ({ output, signal }) => async (service) => {
      await service.delete(node, command.opts<{ redirect?: string }>().redirect, { signal })
      output.tell('deleted', { node }, `deleted ${node}`)
    }),
  )
}
