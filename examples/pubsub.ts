// Follows a node, and publishes to it: STREAMHOST_PASSWORD=… node --import=tsx examples/pubsub.ts laptop@example.org news "It is done"
import { PubsubClient, TransferClient, xml } from 'streamhost'

const [jid = '', node = '', text = ''] = process.argv.slice(2)
const { STREAMHOST_PASSWORD: password = '', STREAMHOST_SERVICE: service } = process.env

await using client = await TransferClient.connect({ jid, password, service })
const pubsub = await PubsubClient.find(client.session)
const events = pubsub.events({ node })
await pubsub.subscribe(node, { jid: pubsub.address })
const [id] = await pubsub.publish(node, { payload: xml('news', { xmlns: 'urn:example:news' }, text) })
for await (const { event } of events) {
  if (event.kind !== 'items') continue
  for (const item of event.items) console.log(`${item.id}: ${item.payload?.text()}`)
  if (event.items.some((item) => item.id === id)) break
}
