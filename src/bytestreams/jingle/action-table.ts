import type { ErrorCode } from '../../core/index.ts'
import type { JingleAction, JingleRole } from '../../xep/index.ts'

/** `none` before a session-initiate was sent or has come. */
export type SessionState = 'none' | 'pending' | 'active' | 'ended'

/** What is to be done about an action, or the error its sender gets. */
export type ActionVerdict = 'begin' | 'accept' | 'inform' | 'end' | 'look at the contents' | ErrorCode

type Actions = Readonly<Record<JingleAction, ActionVerdict>>

/** XEP-0166 §6.7: whatever it is about, there is no such session. */
const gone: Actions = {
  'content-accept': 'ERR_JINGLE_UNKNOWN_SESSION',
  'content-add': 'ERR_JINGLE_UNKNOWN_SESSION',
  'content-modify': 'ERR_JINGLE_UNKNOWN_SESSION',
  'content-reject': 'ERR_JINGLE_UNKNOWN_SESSION',
  'content-remove': 'ERR_JINGLE_UNKNOWN_SESSION',
  'description-info': 'ERR_JINGLE_UNKNOWN_SESSION',
  'security-info': 'ERR_JINGLE_UNKNOWN_SESSION',
  'session-accept': 'ERR_JINGLE_UNKNOWN_SESSION',
  'session-info': 'ERR_JINGLE_UNKNOWN_SESSION',
  'session-initiate': 'ERR_JINGLE_UNKNOWN_SESSION',
  'session-terminate': 'ERR_JINGLE_UNKNOWN_SESSION',
  'transport-accept': 'ERR_JINGLE_UNKNOWN_SESSION',
  'transport-info': 'ERR_JINGLE_UNKNOWN_SESSION',
  'transport-reject': 'ERR_JINGLE_UNKNOWN_SESSION',
  'transport-replace': 'ERR_JINGLE_UNKNOWN_SESSION',
}

/** XEP-0166 §5: what both sides may do from the session-initiate on. */
const running: Actions = {
  'content-accept': 'look at the contents',
  'content-add': 'look at the contents',
  'content-modify': 'look at the contents',
  'content-reject': 'look at the contents',
  'content-remove': 'look at the contents',
  'description-info': 'ERR_JINGLE_UNSUPPORTED_INFO', // Nothing we speak has any.
  'security-info': 'ERR_JINGLE_UNSUPPORTED_INFO',
  'session-accept': 'ERR_JINGLE_OUT_OF_ORDER',
  'session-info': 'inform',
  'session-initiate': 'ERR_JINGLE_OUT_OF_ORDER',
  'session-terminate': 'end',
  'transport-accept': 'look at the contents',
  'transport-info': 'look at the contents',
  'transport-reject': 'look at the contents',
  'transport-replace': 'look at the contents',
}

/** By the state of the session and the role of whoever sends the action. */
const actionTable: Readonly<Record<SessionState, Readonly<Record<JingleRole, Actions>>>> = {
  none: { initiator: { ...gone, 'session-initiate': 'begin' }, responder: gone },
  pending: { initiator: running, responder: { ...running, 'session-accept': 'accept' } },
  active: { initiator: running, responder: running },
  ended: { initiator: gone, responder: gone },
}

/** How a session stands to an action: to one that has come, and to one before it is sent, as the other side will see it. */
export function judgeAction(state: SessionState, sender: JingleRole, action: JingleAction): ActionVerdict {
  return actionTable[state][sender][action]
}

/** A content as both sides know it. `unknown`: it is in no session. */
export type ContentStanding = 'unknown' | 'offered by the sender' | 'offered by the receiver' | 'accepted'

/** What is to be done about a content an action names, or the error its sender gets. */
export type ContentVerdict = 'add' | 'accept' | 'keep' | 'reject' | 'remove' | 'modify' | 'inform' | 'replace' | 'settle' | ErrorCode

/** The actions that are about contents. */
export type ContentAction = Exclude<
  JingleAction,
  'session-initiate' | 'session-info' | 'session-terminate' | 'description-info' | 'security-info'
>

const every = (verdict: ContentVerdict) => ({
  unknown: 'ERR_ITEM_NOT_FOUND' as const,
  'offered by the sender': verdict,
  'offered by the receiver': verdict,
  accepted: verdict,
})

/** Of what was offered to its sender, such an action decides. */
const decided = (verdict: ContentVerdict) => ({
  unknown: 'ERR_ITEM_NOT_FOUND' as const,
  'offered by the sender': 'ERR_JINGLE_OUT_OF_ORDER' as const,
  'offered by the receiver': verdict,
  accepted: 'ERR_JINGLE_OUT_OF_ORDER' as const,
})

const contentTable: Readonly<Record<ContentAction, Readonly<Record<ContentStanding, ContentVerdict>>>> = {
  // XEP-0166 §7.2.9: it accepts the contents, too; those that were accepted before stay so.
  'session-accept': { ...decided('accept'), accepted: 'keep' },
  'content-accept': decided('accept'),
  'content-add': { ...every('ERR_JINGLE_OUT_OF_ORDER'), unknown: 'add' },
  'content-modify': every('modify'),
  'content-reject': decided('reject'),
  'content-remove': every('remove'),
  'transport-accept': every('settle'),
  'transport-info': every('inform'),
  'transport-reject': every('settle'),
  'transport-replace': every('replace'),
}

/** How a content of the session stands to an action. */
export function judgeContent(standing: ContentStanding, action: ContentAction): ContentVerdict {
  return contentTable[action][standing]
}

/** Whether a verdict is an error for the sender. */
export function isErrorCode<T extends string>(verdict: T): verdict is Extract<T, `ERR_${string}`> {
  return verdict.startsWith('ERR_')
}
