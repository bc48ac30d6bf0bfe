import test from 'ava'
import {
  type ActionVerdict,
  type ContentAction,
  type ContentStanding,
  type ContentVerdict,
  judgeAction,
  judgeContent,
  type SessionState,
} from '../../../src/bytestreams/jingle/action-table.ts'
import { type JingleAction, type JingleRole, jingleActions } from '../../../src/xep/index.ts'

// Goal: there is a verdict on every action in every state, and it is the one XEP-0166 has.
// Method: the whole product is walked; what is expected stands here once more, rule by rule.

const states: readonly SessionState[] = ['none', 'pending', 'active', 'ended']
const roles: readonly JingleRole[] = ['initiator', 'responder']
const standings: readonly ContentStanding[] = ['unknown', 'offered by the sender', 'offered by the receiver', 'accepted']

function expected(state: SessionState, sender: JingleRole, action: JingleAction): ActionVerdict {
  const isRunning = state === 'pending' || state === 'active'
  if (action === 'session-initiate' && state === 'none' && sender === 'initiator') return 'begin'
  if (!isRunning) return 'ERR_JINGLE_UNKNOWN_SESSION'
  switch (action) {
    case 'session-initiate':
      return 'ERR_JINGLE_OUT_OF_ORDER'
    case 'session-accept':
      return state === 'pending' && sender === 'responder' ? 'accept' : 'ERR_JINGLE_OUT_OF_ORDER'
    case 'session-terminate':
      return 'end'
    case 'session-info':
      return 'inform'
    case 'description-info':
    case 'security-info':
      return 'ERR_JINGLE_UNSUPPORTED_INFO'
    default:
      return 'look at the contents'
  }
}

for (const state of states) {
  for (const sender of roles) {
    test(`what the ${sender} of a session may do that is ${state} (XEP-0166 §5)`, (t) => {
      t.is(jingleActions.length, 15)
      for (const action of jingleActions) t.is(judgeAction(state, sender, action), expected(state, sender, action), action)
    })
  }
}

/** Left to right: unknown, offered by the sender, offered by the receiver, accepted. */
const verdicts: Readonly<Record<ContentAction, readonly ContentVerdict[]>> = {
  'session-accept': ['ERR_ITEM_NOT_FOUND', 'ERR_JINGLE_OUT_OF_ORDER', 'accept', 'keep'],
  'content-accept': ['ERR_ITEM_NOT_FOUND', 'ERR_JINGLE_OUT_OF_ORDER', 'accept', 'ERR_JINGLE_OUT_OF_ORDER'],
  'content-add': ['add', 'ERR_JINGLE_OUT_OF_ORDER', 'ERR_JINGLE_OUT_OF_ORDER', 'ERR_JINGLE_OUT_OF_ORDER'],
  'content-modify': ['ERR_ITEM_NOT_FOUND', 'modify', 'modify', 'modify'],
  'content-reject': ['ERR_ITEM_NOT_FOUND', 'ERR_JINGLE_OUT_OF_ORDER', 'reject', 'ERR_JINGLE_OUT_OF_ORDER'],
  'content-remove': ['ERR_ITEM_NOT_FOUND', 'remove', 'remove', 'remove'],
  'transport-accept': ['ERR_ITEM_NOT_FOUND', 'settle', 'settle', 'settle'],
  'transport-info': ['ERR_ITEM_NOT_FOUND', 'inform', 'inform', 'inform'],
  'transport-reject': ['ERR_ITEM_NOT_FOUND', 'settle', 'settle', 'settle'],
  'transport-replace': ['ERR_ITEM_NOT_FOUND', 'replace', 'replace', 'replace'],
}

test('every action a running session refers to its contents has a verdict on a content, however it stands', (t) => {
  const referred = jingleActions.filter((action) =>
    ['look at the contents', 'accept'].includes(judgeAction('pending', 'responder', action)),
  )
  t.deepEqual(Object.keys(verdicts).sort(), [...referred].sort())
  for (const [action, row] of Object.entries(verdicts) as [ContentAction, readonly ContentVerdict[]][]) {
    for (const [at, standing] of standings.entries())
      t.is(judgeContent(standing, action), row[at] as ContentVerdict, `${action}, ${standing}`)
  }
})
