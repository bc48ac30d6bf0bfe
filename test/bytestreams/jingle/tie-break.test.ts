import test from 'ava'
import { areEquivalent, isLower } from '../../../src/bytestreams/jingle/tie-break.ts'
import type { JingleSenders } from '../../../src/xep/index.ts'
import { file } from '../../helpers/jingle-transport.ts'

test('sids are compared octet by octet, in UTF-8 (RFC 4790 §9.3)', (t) => {
  t.true(isLower('a', 'b'))
  t.false(isLower('b', 'a'))
  t.false(isLower('a', 'a'))
  t.true(isLower('a', 'aa'))
  t.true(isLower('Z', 'a'), 'no order of letters')
  t.true(isLower('\u{ff5e}', '\u{1f600}'), 'UTF-16 would have it the other way round')
})

const offer = (senders: JingleSenders, name = 'a.bin', size = 1) => [{ senders, description: file(name, size) }]

test('an offer and a request of one file are the same (XEP-0166 §7.2.16)', (t) => {
  t.true(areEquivalent(offer('initiator'), offer('responder')))
  t.true(areEquivalent(offer('responder'), offer('initiator')))
  t.true(areEquivalent(offer('both'), offer('both')))
  t.true(areEquivalent([{ description: file('a.bin') }], offer('both')), 'both is what is left out')
})

test('two files that both sides send each other are two things', (t) => {
  t.false(areEquivalent(offer('initiator'), offer('initiator')))
  t.false(areEquivalent(offer('initiator', 'a.bin'), offer('responder', 'b.bin')))
  t.false(areEquivalent(offer('initiator', 'a.bin', 1), offer('responder', 'a.bin', 2)))
  t.false(areEquivalent(offer('both'), [{ senders: 'both', description: { kind: 'unknown', xmlns: 'urn:example:stub' } }]))
})

test('a request that does not say how large the file is means any of that name', (t) => {
  const request = [
    { senders: 'responder' as const, description: { kind: 'file' as const, file: { name: 'a.bin', hashes: [], hashUsed: [] } } },
  ]
  t.true(areEquivalent(offer('initiator'), request))
  t.true(areEquivalent(request, offer('initiator')))
})
