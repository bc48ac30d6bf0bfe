import { readFile } from 'node:fs/promises'
import test from 'ava'
import { nextOf, startFeeds } from '../helpers/feeds.ts'
import { makeFile, makeFolder } from '../helpers/transfers.ts'

test('what is offered on a feed is announced to whoever watches, who fetches and verifies it', async (t) => {
  const network = await startFeeds(t, ['ci', 'wall'])
  const [ci, wall] = [await network.join('ci'), await network.join('wall')]
  const file = await makeFile(t, 300_000, 'image.iso')
  const offer = await ci.feeds.offer('builds/nightly', file.path, {
    description: 'of the main branch',
    mimeType: 'application/x-iso9660-image',
  })
  t.is(offer.uri, `xmpp:ci@localhost?jingle;id=${offer.id}`)
  const into = await makeFolder(t)
  const watch = wall.feeds.watch(['builds/nightly'], { into, method: 'direct' })
  const announced = await nextOf(watch, 'announced')
  t.like(announced.announcement, {
    id: offer.id,
    owner: ci.client.jid,
    file: { name: 'image.iso', sizeBytes: 300_000, description: 'of the main branch' },
  })
  const fetched = await nextOf(watch, 'fetched')
  t.is(fetched.sha256, file.sha256)
  t.deepEqual(await readFile(fetched.path), file.content)
  const second = await makeFile(t, 1_000, 'second.iso')
  await ci.feeds.offer('builds/nightly', second.path)
  t.like(await nextOf(watch, 'announced'), { fresh: true })
  t.is((await nextOf(watch, 'fetched')).sha256, second.sha256)
})
