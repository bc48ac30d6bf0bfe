/** Which side of a session: who began it is the initiator (XEP-0166 §4). */
export type JingleRole = 'initiator' | 'responder'

export const jingleRoles: readonly JingleRole[] = ['initiator', 'responder']
