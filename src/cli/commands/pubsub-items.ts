import { randomUUID } from 'node:crypto'
import type { Command } from 'commander'
import { BytestreamError } from '../../core/index.ts'
import { buildTextEntry, type PubsubItem, parsePayload } from '../../xep/index.ts'
import { addExamples, addListOption, type Start } from '../command-line.ts'
import type { Output, TableLine } from '../output.ts'
import { readInput } from '../read-input.ts'
import { addServiceOptions, changesOf, countOf, onService } from './pubsub-command.ts'
import { itemFacts, payloadText, tableLines } from './pubsub-lines.ts'

/** `streamhost pubsub publish NODE [FILE…]`. */
export function addPublish(pubsub: Command, start: Start): void {
  const publish = pubsub
    .command('publish')
    .argument('<node>', 'where')
    .argument('[files...]', 'an XML element each; - for stdin; without any, the item says only that something happened')
    .description('publish items')
    .option('--text <TEXT>', 'publish this, as the title of an Atom entry')
    .option('--id <ID>', 'of the item; one of that id is replaced (default: as the service likes)')
  addListOption(publish, '--require <FIELD=VALUE>', 'publish only if the node is configured so, such as access_model=open; repeatable')
  addServiceOptions(publish)
  addExamples(
    publish,
    'streamhost pubsub publish news --text "It is done" \\',
    '  --account you@example.org --password-file pw',
    'streamhost pubsub publish builds build.xml --id latest \\',
    '  --to pubsub.example.org --account you@example.org --password-file pw',
  )
  publish.action((node: string, files: string[]) =>
    onService(start, publish, ({ output, signal }) => {
      const itemsBy = itemsToPublish(files, publish.opts())
      const preconditions = changesOf(publish, 'require')
      return async (service) => {
        const ids = await service.publish(node, itemsBy(service.account), { preconditions, signal })
        for (const id of ids) output.tell('published', { node, id }, `published ${id}`)
        if (ids.length === 0) output.tell('published', { node }, 'published')
      }
    }),
  )
}

/** @returns the items, once it is known who publishes them */
function itemsToPublish(files: readonly string[], { text, id }: { text?: string; id?: string }): (author: string) => readonly PubsubItem[] {
  if (text !== undefined && files.length > 0) throw new BytestreamError('ERR_CONFIG', 'name files, or say --text, not both')
  if (id !== undefined && files.length > 1) throw new BytestreamError('ERR_CONFIG', '--id is of one item: name one file')
  if (text !== undefined) {
    return (author) => [{ id, payload: buildTextEntry({ id: `urn:uuid:${randomUUID()}`, text, author, updatedMs: Date.now() }) }]
  }
  if (files.length === 0) return () => [{ id }]
  const items = files.map((path) => ({ id, payload: payloadIn(path) }))
  return () => items
}

function payloadIn(path: string): PubsubItem['payload'] {
  const document = readInput(path, 'to be published')
  try {
    return parsePayload(document)
  } catch (thrown) {
    if (!(thrown instanceof BytestreamError)) throw thrown
    throw new BytestreamError(thrown.code, `${path === '-' ? 'stdin' : path} cannot be published: ${thrown.message}`, { cause: thrown })
  }
}

/** `streamhost pubsub items NODE [ID…]`. */
export function addItems(pubsub: Command, start: Start): void {
  const items = pubsub
    .command('items')
    .argument('<node>', 'of which')
    .argument('[ids...]', 'these only')
    .description('tell what is in a node, as far as the service lets you')
    .option('--max <N>', 'so many: the newest, or with --after the next ones')
    .option('--after <ID>', 'what comes after that item in the order of the service, where it has pages')
  addServiceOptions(items)
  addExamples(
    items,
    'streamhost pubsub items news --max 10 \\',
    '  --account you@example.org --password-file pw',
    'streamhost pubsub items news --json --account you@example.org | jq -r .payload',
  )
  items.action((node: string, ids: string[]) =>
    onService(start, items, ({ output, signal }) => {
      const { max, after } = items.opts<{ max?: string; after?: string }>()
      const init = { ids, max: countOf(max, '--max'), after, signal }
      if (ids.length > 0 && (max ?? after) !== undefined) throw new BytestreamError('ERR_CONFIG', 'name items, or say how many: not both')
      return async (service) => {
        for await (const item of service.items(node, init)) tellItem(output, node, item)
      }
    }),
  )
}

function tellItem(output: Output, node: string, item: PubsubItem): void {
  const [line] = tableLines(output, [[item.id ?? '', payloadText(item)]]) as [TableLine]
  output.tell('item', { node, ...itemFacts(item) }, { ...line, indent: 2 })
}

/** `streamhost pubsub retract NODE [ID…]`. */
export function addRetract(pubsub: Command, start: Start): void {
  const retract = pubsub
    .command('retract')
    .argument('<node>', 'from which')
    .argument('[ids...]', 'which items')
    .description('take items out of a node')
    .option('--all', 'all of them (purge)')
    .option('--notify', 'have subscribers told, where the node leaves that to you')
  addServiceOptions(retract)
  addExamples(
    retract,
    'streamhost pubsub retract news 3fe1 --account you@example.org \\',
    '  --password-file pw',
    'streamhost pubsub retract news --all --account you@example.org',
  )
  retract.action((node: string, ids: string[]) =>
    onService(start, retract, ({ output, signal }) => {
      const { all = false, notify } = retract.opts<{ all?: boolean; notify?: boolean }>()
      if (all === ids.length > 0) throw new BytestreamError('ERR_CONFIG', 'name items by their ids, or say --all')
      return async (service) => {
        if (all) {
          await service.purge(node, { signal })
          output.tell('purged', { node }, `purged ${node}`)
          return
        }
        await service.retract(node, ids, { isNotified: notify, signal })
        for (const id of ids) output.tell('retracted', { node, id }, `retracted ${id}`)
      }
    }),
  )
}
