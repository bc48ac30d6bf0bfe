import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { attribute, NS, parseDelivery, parseNotification } from '../../src/xep/index.ts'
import { startCli } from '../helpers/cli.ts'
import { DOMAIN, PROXY } from '../helpers/prosody.ts'
import { formText } from '../helpers/pubsub-examples.ts'
import { field, outcome, PAYLOAD, WirePubsub } from '../helpers/pubsub-service.ts'
import { type Address, login } from '../helpers/raw-client.ts'
import { startServe } from '../helpers/serve.ts'
import { makeFolder } from '../helpers/transfers.ts'

/** Items that are published while a backup is made. */
const LATER_MAX = 150
const keeps = formText('submit', 'node_config', field('max_items', 'max'))

test('a backup of a service that runs is restored as the database of another one', async (t) => {
  const folder = await makeFolder(t)
  const [data, copy, restored] = [join(folder, 'data'), join(folder, 'monday.db'), join(folder, 'restored')]
  const start = async (directory: string) => {
    const serve = await startServe(t, { accounts: ['hamlet'], args: ['--data', directory] })
    const { client } = (await serve.cli.event('ready')) as unknown as { client: Address }
    const stream = await login(client, { local: 'hamlet', password: 'pencil', domain: DOMAIN }, 'desk')
    t.teardown(() => stream.destroy())
    return new WirePubsub(stream, PROXY)
  }
  const hamlet = await start(data)
  t.is(outcome(await hamlet.set("<create node='news'/>")), 'result')
  t.is(outcome(await hamlet.set("<publish node='news'><item id='one'><test xmlns='urn:example'/></item></publish>")), 'result')

  const backup = await startCli(t, ['backup', '--json', '--data', data, copy]).ended
  t.deepEqual({ ...backup, stdout: '' }, { ...backup, stdout: '', code: 0, stderr: '' })
  t.like(JSON.parse(backup.stdout), { event: 'backup', path: copy })
  t.is(outcome(await hamlet.set("<publish node='news'><item id='two'><test xmlns='urn:example'/></item></publish>")), 'result')

  await mkdir(restored)
  await copyFile(copy, join(restored, 'streamhost.db'))
  const again = await start(restored)
  t.regex(
    (await again.get("<items node='news'/>")).toString(),
    /<items node="news"><item id="one"><test xmlns="urn:example"\/><\/item><\/items>/,
  )
})

test('what waits in the queue of an account that is away when a backup is made waits in what is restored from it', async (t) => {
  const folder = await makeFolder(t)
  const [data, copy, restored] = [join(folder, 'data'), join(folder, 'monday.db'), join(folder, 'restored')]
  const start = async (directory: string) => {
    const serve = await startServe(t, { accounts: ['hamlet', 'bernardo'], args: ['--data', directory] })
    const { client } = (await serve.cli.event('ready')) as unknown as { client: Address }
    const enter = async (local: string) => {
      const stream = await login(client, { local, password: 'pencil', domain: DOMAIN }, 'desk')
      t.teardown(() => stream.destroy())
      return new WirePubsub(stream, PROXY)
    }
    return { serve, hamlet: await enter('hamlet'), bernardo: await enter('bernardo') }
  }
  const { serve, hamlet, bernardo } = await start(data)
  t.is(outcome(await hamlet.set(`<create node='news'/><configure>${keeps}</configure>`)), 'result')
  const queue = formText('submit', 'subscribe_options', `<field var='${NS.feeds}-queue'><value>true</value></field>`)
  const subscribe = `<subscribe node='news' jid='${bernardo.account}'/><options>${queue}</options>`
  t.is(outcome(await bernardo.set(subscribe)), 'result')
  const publish = async (id: string) => outcome(await hamlet.set(`<publish node='news'><item id='${id}'>${PAYLOAD}</item></publish>`))
  t.deepEqual([await publish('one'), await publish('two')], ['result', 'result'])
  // While more is published.
  let isOver = false
  const publishing = (async () => {
    for (let later = 0; later < LATER_MAX && !isOver; later += 1) await publish(`later-${later}`)
  })()
  t.is((await startCli(t, ['backup', '--data', data, copy]).ended).code, 0)
  isOver = true
  await publishing
  serve.cli.child.kill('SIGKILL')
  await serve.cli.ended

  await mkdir(restored)
  await copyFile(copy, join(restored, 'streamhost.db'))
  const again = await start(restored)
  const items = (await again.hamlet.get("<items node='news'/>")).toString().match(/(?<=<item id=")[^"]+/g) ?? []
  t.deepEqual(items.slice(0, 2), ['one', 'two'])
  const delivered = await delivery(again.bernardo, items.length)
  t.deepEqual(delivered.items, items, 'what is published waits, and nothing else does')
  t.is(outcome(await again.bernardo.ask('set', delivered.acknowledgement)), 'result')
  const seen = await again.hamlet.ask('get', `<queue xmlns='${NS.feeds}' node='news'/>`)
  t.regex(seen.toString(), /waiting="0" handed="0"/)
})

/** Shows itself as a program that acknowledges. @returns the items of the next messages from a queue, and what acknowledges them */
async function delivery(who: WirePubsub, count: number): Promise<{ items: readonly string[]; acknowledgement: string }> {
  const items: string[] = []
  const ids: string[] = []
  who.say(`<presence to='${PROXY}'/>`)
  while (items.length < count) {
    const stanza = await who.message()
    if (stanza.is('iq') && attribute(stanza, 'type') === 'get') {
      const info = `<query xmlns='${NS.discoInfo}'><identity category='client' type='bot'/><feature var='${NS.feeds}'/></query>`
      who.say(`<iq type='result' to='${stanza.attrs['from']}' id='${stanza.attrs['id']}'>${info}</iq>`)
      continue
    }
    const messageId = parseDelivery(stanza)
    const event = parseNotification(stanza)?.event
    if (messageId === undefined || event?.kind !== 'items') continue
    items.push(...event.items.map(({ id = '' }) => id))
    ids.push(`<message id='${messageId}'/>`)
    // No more than 16 are handed over until some are acknowledged.
    if (ids.length === 16)
      who.say(`<iq type='set' id='ack-${items.length}' to='${PROXY}'><ack xmlns='${NS.feeds}'>${ids.splice(0).join('')}</ack></iq>`)
  }
  return { items, acknowledgement: `<ack xmlns='${NS.feeds}'>${ids.join('')}</ack>` }
}

test('a backup of what is no directory of a service, and one that would replace a file, are refused', async (t) => {
  const folder = await makeFolder(t)
  const nothing = await startCli(t, ['backup', '--data', folder, join(folder, 'copy')]).ended
  t.is(nothing.code, 1)
  t.regex(nothing.stderr, /^streamhost: there is no .*streamhost\.db: name the directory of a service\n$/)
  const { code } = await startCli(t, ['backup', join(folder, 'copy')]).ended
  t.is(code, 2)
})
