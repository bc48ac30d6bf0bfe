/** How long each step of a check may take, in milliseconds. */
export interface CheckTimings {
  /** An answer over XMPP. */
  readonly answerMsMax: number
  /** A TCP connection, and looking its host up. */
  readonly connectMsMax: number
  /** A socket without a new octet, where one is awaited: what has not come by then is withheld. */
  readonly quietMsMax: number
  /** One probe, whatever it does. */
  readonly probeMsMax: number
}

export const defaultCheckTimings: CheckTimings = { answerMsMax: 10_000, connectMsMax: 10_000, quietMsMax: 10_000, probeMsMax: 60_000 }
