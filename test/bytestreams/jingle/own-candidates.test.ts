import type { NetworkInterfaceInfo } from 'node:os'
import test from 'ava'
import { nameCandidates, typeOfOwnAddress } from '../../../src/bytestreams/jingle/own-candidates.ts'
import type { JingleCandidate, JingleCandidateType } from '../../../src/xep/index.ts'

const jid = 'juliet@capulet.example/balcony'
const offerable = (type: JingleCandidateType, host: string, port = 7777) => ({ type, streamhost: { jid, host, port } })

test('the priority is 2^16 times the preference of the type, and a local one that falls with each of a type (§2.2)', (t) => {
  const candidates = nameCandidates([
    offerable('direct', '192.0.2.1'),
    offerable('direct', '192.0.2.2'),
    offerable('assisted', '198.51.100.1'),
    offerable('tunnel', '2001::1'),
    offerable('proxy', 'proxy.example'),
    offerable('proxy', 'proxy.example', 7778),
  ])
  t.deepEqual(
    candidates.map(({ priority }) => [Math.floor(priority / 2 ** 16), priority % 2 ** 16]),
    [
      [126, 49_152],
      [126, 49_151],
      [120, 49_152],
      [110, 49_152],
      [10, 49_152],
      [10, 49_151],
    ],
  )
  t.is(new Set(candidates.map(({ cid }) => cid)).size, candidates.length)
})

const theirs = (host: string, port: number, priority: number): JingleCandidate => ({
  ...{ cid: `${host}:${port}`, host, port, priority },
  ...{ jid: 'proxy.example', type: 'proxy' },
})

test('the responder repeats no host and port of the initiator, however they are written (§2.2)', (t) => {
  const offered = [theirs('Proxy.Example', 7777, 655_360), theirs('2001:DB8:0::1', 7777, 655_361), theirs('192.0.2.1', 7777, 655_362)]
  const candidates = nameCandidates(
    [
      offerable('proxy', 'proxy.example'),
      offerable('proxy', 'proxy.example', 7778),
      offerable('proxy', '2001:db8::1'),
      offerable('direct', '192.0.2.1'),
      offerable('direct', '192.0.2.2'),
      offerable('direct', '192.0.2.2'),
    ],
    offered,
  )
  t.deepEqual(
    candidates.map(({ host, port }) => `${host}:${port}`),
    ['proxy.example:7778', '192.0.2.2:7777'],
  )
})

test('the responder gives no candidate the priority of one of the initiator: there is no draw to be understood in two ways', (t) => {
  const first = nameCandidates([offerable('direct', '192.0.2.1'), offerable('direct', '192.0.2.2'), offerable('proxy', 'one.example')])
  const second = nameCandidates(
    [offerable('direct', '192.0.2.3'), offerable('direct', '192.0.2.4'), offerable('proxy', 'two.example')],
    first,
  )
  const priorities = [...first, ...second].map(({ priority }) => priority)
  t.is(second.length, 3)
  t.is(new Set(priorities).size, priorities.length)
})

const address = (text: string) => ({ address: text }) as NetworkInterfaceInfo
const interfaces = {
  lo: [address('127.0.0.1')],
  eth0: [address('192.0.2.1'), address('2001:db8::1')],
  tun0: [address('10.8.0.2'), address('fd00::8')],
  wg0: [address('10.9.0.2')],
  ztabcdef12: [address('10.11.0.2')],
  tungsten: [address('10.10.0.2')],
}

for (const own of ['10.8.0.2', 'fd00::8', '10.9.0.2', '10.11.0.2', '2001::1', '2001:0:53aa:64c:0:7c4f:3f57:fefe', '2002:c000:201::1']) {
  test(`${own} is a tunnel (§2.1)`, (t) => t.is(typeOfOwnAddress(own, interfaces), 'tunnel'))
}
for (const own of ['192.0.2.1', '2001:db8::1', '2001:1::1', '10.10.0.2', '2003::1', '203.0.113.1']) {
  test(`${own} is direct`, (t) => t.is(typeOfOwnAddress(own, interfaces), 'direct'))
}
