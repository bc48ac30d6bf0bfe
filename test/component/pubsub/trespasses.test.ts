// Goal: whoever asks for what is not for it, for too much, or for nonsense, hears what XEP-0060 says, once in the log, and nothing has
// changed. Method: accounts of the embedded server, and `serve` in a process of its own. test/full/pubsub-hostile.full.ts has it at length.

import test from 'ava'
import { PubsubAssault, parties, refusalsLogged } from '../../helpers/pubsub-hostile.ts'
import { dataFolder, PUBSUB, servePubsub } from '../../helpers/serve-pubsub.ts'
import { embedded } from '../../helpers/server.ts'

const NODES_MAX = 20

test('what is not for somebody, too much or nonsense is refused as XEP-0060 says, logged once, and changes nothing', async (t) => {
  await using server = await embedded.start({ accounts: parties, components: [PUBSUB] })
  const serve = await servePubsub(t, server, await dataFolder(t), ['--pubsub-nodes-per-account-max', `${NODES_MAX}`])
  const assault = await PubsubAssault.begin(t, server)
  await assault.trespass()
  await assault.trespass()
  await assault.nameOddly()
  await assault.createMany(2 * NODES_MAX, NODES_MAX)
  await assault.prove()
  const refusals = await refusalsLogged(serve)
  t.true(refusals.size > 20)
  t.deepEqual(
    [...refusals].filter(([, times]) => times > 1),
    [],
  )
})
