/** Every namespace this project speaks, once. */
export const NS = {
  activity: 'jabber:iq:last', // XEP-0012
  amp: 'http://jabber.org/protocol/amp', // XEP-0079
  ampErrors: 'http://jabber.org/protocol/amp#errors', // XEP-0079
  atom: 'http://www.w3.org/2005/Atom', // RFC 4287
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  bytestreams: 'http://jabber.org/protocol/bytestreams', // XEP-0065
  capabilities: 'http://jabber.org/protocol/caps', // XEP-0115
  client: 'jabber:client',
  commands: 'http://jabber.org/protocol/commands', // XEP-0050
  component: 'jabber:component:accept', // XEP-0114
  dataForms: 'jabber:x:data', // XEP-0004
  dataValidation: 'http://jabber.org/protocol/xdata-validate', // XEP-0122
  delay: 'urn:xmpp:delay', // XEP-0203
  discoInfo: 'http://jabber.org/protocol/disco#info', // XEP-0030
  discoItems: 'http://jabber.org/protocol/disco#items', // XEP-0030
  fallback: 'urn:xmpp:fallback:0', // XEP-0428
  feeds: 'https://www.npmjs.com/package/streamhost#feeds', // Our own: docs/feeds.md
  fileMetadata: 'urn:xmpp:file:metadata:0', // XEP-0446
  files: 'https://www.npmjs.com/package/streamhost#files', // Our own: docs/transfers.md
  fileSharing: 'urn:xmpp:sfs:0', // XEP-0447
  featureNegotiation: 'http://jabber.org/protocol/feature-neg', // XEP-0020
  hashes: 'urn:xmpp:hashes:2', // XEP-0300
  hashFunction: 'urn:xmpp:hash-function-text-names', // XEP-0300 §9.3
  hints: 'urn:xmpp:hints', // XEP-0334
  inBand: 'http://jabber.org/protocol/ibb', // XEP-0047
  jingle: 'urn:xmpp:jingle:1', // XEP-0166
  jingleFileTransfer: 'urn:xmpp:jingle:apps:file-transfer:5', // XEP-0234
  jingleFileTransferErrors: 'urn:xmpp:jingle:apps:file-transfer:errors:0', // XEP-0234 §9
  jingleInBand: 'urn:xmpp:jingle:transports:ibb:1', // XEP-0261
  jinglePub: 'urn:xmpp:jinglepub:1', // XEP-0358
  jingleSocks5: 'urn:xmpp:jingle:transports:s5b:1', // XEP-0260
  json: 'urn:xmpp:json:0', // XEP-0335
  muc: 'http://jabber.org/protocol/muc', // XEP-0045
  mucUser: 'http://jabber.org/protocol/muc#user', // XEP-0045
  ping: 'urn:xmpp:ping', // XEP-0199
  privilege: 'urn:xmpp:privilege:2', // XEP-0356
  pubsub: 'http://jabber.org/protocol/pubsub', // XEP-0060
  pubsubErrors: 'http://jabber.org/protocol/pubsub#errors', // XEP-0060
  pubsubEvent: 'http://jabber.org/protocol/pubsub#event', // XEP-0060
  pubsubOwner: 'http://jabber.org/protocol/pubsub#owner', // XEP-0060
  receipts: 'urn:xmpp:receipts', // XEP-0184
  resultSets: 'http://jabber.org/protocol/rsm', // XEP-0059
  roster: 'jabber:iq:roster',
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  session: 'urn:ietf:params:xml:ns:xmpp-session', // RFC 3921 §3
  shim: 'http://jabber.org/protocol/shim', // XEP-0131
  si: 'http://jabber.org/protocol/si', // XEP-0095
  siFileTransfer: 'http://jabber.org/protocol/si/profile/file-transfer', // XEP-0096
  siPub: 'http://jabber.org/protocol/sipub', // XEP-0137
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  stream: 'http://etherx.jabber.org/streams',
  streams: 'urn:ietf:params:xml:ns:xmpp-streams',
  time: 'urn:xmpp:time', // XEP-0202
  urlData: 'http://jabber.org/protocol/url-data', // XEP-0103
  vcard: 'vcard-temp', // XEP-0054
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
  version: 'jabber:iq:version', // XEP-0092
} as const
