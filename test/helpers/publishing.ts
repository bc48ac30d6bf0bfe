import { once } from 'node:events'
import type { ExecutionContext } from 'ava'
import type { ObtainInit, Published, PublishInit, StartRequest, Transfer } from '../../src/transfer/index.ts'
import { makeFolder } from './transfers.ts'
import { startNetwork } from './xmpp-network.ts'

/** An owner who publishes, and somebody who asks, on an embedded server. */
export async function publishing(
  t: ExecutionContext,
  mayStart: (request: StartRequest) => Published | undefined | Promise<Published | undefined>,
  init: Partial<PublishInit> = {},
) {
  const network = await startNetwork(t, ['owner', 'wall', 'stranger'])
  const into = await makeFolder(t)
  const owner = await network.connect('owner')
  const publications = owner.publish({ mayStart, ownHosts: ['127.0.0.1'], ...init })
  const wall = await network.connect('wall')
  const obtain = (id: string, more: Partial<ObtainInit> = {}) =>
    wall.obtain({ from: owner.jid, id, into, ownHosts: ['127.0.0.1'], ...more })
  /** The next one that is sent, with what was asked. */
  const sending = async () => (await once(publications, 'transfer')) as [Transfer, StartRequest]
  return { network, owner, publications, wall, into, obtain, sending }
}
