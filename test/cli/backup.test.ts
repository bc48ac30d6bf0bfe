import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import { startCli } from '../helpers/cli.ts'
import { DOMAIN, PROXY } from '../helpers/prosody.ts'
import { outcome, WirePubsub } from '../helpers/pubsub-service.ts'
import { type Address, login } from '../helpers/raw-client.ts'
import { startServe } from '../helpers/serve.ts'
import { makeFolder } from '../helpers/transfers.ts'

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

test('a backup of what is no directory of a service, and one that would replace a file, are refused', async (t) => {
  const folder = await makeFolder(t)
  const nothing = await startCli(t, ['backup', '--data', folder, join(folder, 'copy')]).ended
  t.is(nothing.code, 1)
  t.regex(nothing.stderr, /^streamhost: there is no .*streamhost\.db: name the directory of a service\n$/)
  const { code } = await startCli(t, ['backup', join(folder, 'copy')]).ended
  t.is(code, 2)
})
