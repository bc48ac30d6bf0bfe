import test from 'ava'
import { NotificationIds } from '../../../src/component/pubsub/notification-ids.ts'

test('an id tells its node, and is no other’s (XEP-0060 §12.4)', (t) => {
  const ids = new NotificationIds()
  const seen = new Set<string>()
  for (const nodeId of [0, 1, 35, 36, 1_000_000, Number.MAX_SAFE_INTEGER]) {
    for (let n = 0; n < 3; n++) {
      const id = ids.next(ids.prefixOf(nodeId))
      t.is(ids.nodeOf(id), nodeId)
      t.true(id.length <= 32, id)
      seen.add(id)
    }
  }
  t.is(seen.size, 18)
})

test('what ids begin with is a node’s own for good, however many nodes are told of', (t) => {
  const ids = new NotificationIds()
  const nodeIds = Array.from({ length: 2_500 }, (_, nodeId) => nodeId)
  const prefixes = nodeIds.map((nodeId) => ids.prefixOf(nodeId))
  t.is(new Set(prefixes).size, nodeIds.length)
  t.deepEqual(
    nodeIds.map((nodeId) => ids.prefixOf(nodeId)),
    prefixes,
  )
  t.deepEqual(
    prefixes.map((prefix) => ids.nodeOf(ids.next(prefix))),
    nodeIds,
  )
})

test('what is no id of ours tells none', (t) => {
  const ids = new NotificationIds()
  const [node, mac, count] = ids.next(ids.prefixOf(7)).split('-').length === 3 ? ids.next(ids.prefixOf(7)).split('-') : ['7', 'x', '1']
  const others = new NotificationIds()
  const made = [
    '',
    '7',
    `8-${mac}-${count}`,
    `${node}-AAAAAAAA-1`,
    `${node}-${mac}`,
    `${node}-${mac}-`,
    `-${mac}-1`,
    `zzzzzzzzzzz-${mac}-1`,
  ]
  for (const id of [...made, others.next(others.prefixOf(7)), 'x'.repeat(100_000)]) t.is(ids.nodeOf(id), undefined, id.slice(0, 50))
})
