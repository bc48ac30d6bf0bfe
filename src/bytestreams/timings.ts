/** How long each step of a negotiation may take, in milliseconds. */
export interface Timings {
  /** Everything together, until the bytestream is open. */
  readonly overallMsMax: number
  /** The target's answer to an offer: it has to try the streamhosts, and may have to ask its user. */
  readonly answerMsMax: number
  /** One connection to a streamhost, or one activation. */
  readonly attemptMsMax: number
  /** What one candidate has for itself before the next is tried beside it (XEP-0260 §4). */
  readonly staggerMs: number
  /** What direct candidates have for themselves before the first proxy is tried beside them, or a lesser one is used (XEP-0260 §4). */
  readonly proxyHeadStartMs: number
}

export const defaultTimings: Timings = {
  overallMsMax: 120_000,
  answerMsMax: 90_000,
  attemptMsMax: 10_000,
  staggerMs: 200,
  proxyHeadStartMs: 1_000,
}
