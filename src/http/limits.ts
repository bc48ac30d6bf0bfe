/** What bounds an HTTP server. */
export interface HttpLimits {
  /** Connections at once; at the maximum the next is closed as soon as it is accepted. Default 256. */
  readonly connectionsMax: number
  /** Octets of a request line and its header fields. Default 8 KiB. */
  readonly headerBytesMax: number
  /** Milliseconds for the request line and the header fields, to within a second more. Default 5,000. */
  readonly headersMsMax: number
  /** Milliseconds for a whole request, to within a second more. Default 10,000. */
  readonly requestMsMax: number
  /** Milliseconds without an octet, between requests and in the midst of an answer. Default 30,000. */
  readonly quietMsMax: number
}

export const httpLimits: HttpLimits = {
  connectionsMax: 256,
  headerBytesMax: 8 * 1024,
  headersMsMax: 5_000,
  requestMsMax: 10_000,
  quietMsMax: 30_000,
}
