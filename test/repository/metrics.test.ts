// Goal: docs/metrics.md is what `/metrics` tells: no metric, label or value of one is missing in it, or there no more.

import test from 'ava'
import { PublishSubscribe } from '../../src/component/index.ts'
import { silentLogger, systemClock } from '../../src/core/index.ts'
import { Health } from '../../src/http/health.ts'
import { Metrics } from '../../src/http/metrics.ts'
import { Session } from '../../src/session/index.ts'
import { Streamhost } from '../../src/streamhost/index.ts'
import { type Family, readExposition } from '../helpers/exposition.ts'
import { readRepositoryFile } from '../helpers/repository-files.ts'

const page = readRepositoryFile('docs/metrics.md')
const rows = page
  .split('\n')
  .filter((line) => line.startsWith('| `streamhost_'))
  .map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  )

async function ownFamilies(): Promise<Family[]> {
  const streamhost = new Streamhost({}, { listen: [] })
  const metrics = new Metrics({ streamhost, health: new Health({ clock: systemClock, streamhost }) })
  const inMemory = { directory: undefined, limits: {}, mayCreate: () => true, onFailed: () => {} }
  await using pubsub = await PublishSubscribe.open({ clock: systemClock, logger: silentLogger }, inMemory)
  pubsub.attach(new Session({}, () => Promise.reject(new Error('it never starts')), { reconnect: 'never' }), 'pubsub.example.org')
  metrics.watchPubsub(pubsub)
  return [...readExposition(await metrics.text()).values()].filter(({ name }) => name.startsWith('streamhost_'))
}

const labelsOf = ({ samples }: Family) => [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))].filter((name) => name !== 'le')

function unitOf(name: string): string {
  if (name.endsWith('_bytes_per_second')) return 'octets a second'
  if (name.endsWith('_seconds')) return 'seconds'
  return /_bytes(_total)?$/.test(name) ? 'octets' : ''
}

test('the table has a row for each metric, with its type, labels, unit and meaning', async (t) => {
  const families = await ownFamilies()
  t.deepEqual(
    rows,
    families.map((family) => {
      const labels = labelsOf(family).map((label) => `\`${label}\``)
      return [`\`${family.name}\``, family.type, labels.join(', '), unitOf(family.name), family.help]
    }),
  )
})

test('each value a label has from the start is explained', async (t) => {
  const values = (await ownFamilies()).flatMap(({ samples }) =>
    samples.flatMap(({ labels }) => Object.entries(labels).filter(([name]) => !['le', 'version', 'engine_reason'].includes(name))),
  )
  t.true(values.length >= 20)
  const [, explained = ''] = page.split('### Labels')
  t.deepEqual(
    values.filter(([, value]) => !explained.includes(`\`${value}\``)),
    [],
  )
})

test('alerts and examples name metrics that there are', async (t) => {
  const names = (await ownFamilies()).map(({ name }) => name)
  const named = page.match(/\bstreamhost_\w+/g) ?? []
  t.true(named.length > rows.length)
  t.deepEqual(
    named.filter((name) => !names.includes(name)),
    [],
  )
})
