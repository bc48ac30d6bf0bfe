/** What one embedded server lets others take of it. Each is a maximum; a peer that meets it is told so in XMPP's words. */
export interface EmbeddedLimits {
  /** Connections that have not logged in yet: at this many the oldest of the address with the most is closed for a new one. */
  readonly unauthenticatedMax: number
  /** The same for one source address: its oldest is closed. */
  readonly unauthenticatedPerAddressMax: number
  /** Milliseconds from connecting until a component is logged in, a client has its resource. */
  readonly loginMsMax: number
  /** Failed SASL attempts in one connection (RFC 6120 §6.4.5). */
  readonly loginAttemptsMax: number
  /** Connected resources of one account. */
  readonly resourcesPerAccountMax: number
  /** Addresses one session may have sent directed presence to, all told when it goes. */
  readonly directedPresencesMax: number
  /** Contacts of one account, those who asked for its presence included. */
  readonly rosterItemsMax: number
  /** Octets that wait for one connection to read them; a slower reader is cut off. */
  readonly backlogBytesMax: number
}

/** Room for one box: some hundred accounts, some thousand stanzas a second. */
export const embeddedLimits: EmbeddedLimits = {
  unauthenticatedMax: 256,
  unauthenticatedPerAddressMax: 64,
  loginMsMax: 30_000,
  loginAttemptsMax: 3,
  resourcesPerAccountMax: 16,
  directedPresencesMax: 256,
  rosterItemsMax: 512,
  backlogBytesMax: 4 * 1024 * 1024,
}
