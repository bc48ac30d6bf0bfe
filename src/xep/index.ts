export { startAdopting } from './adopt.ts'
export {
  type Amp,
  type AmpAction,
  type AmpDelivery,
  type AmpRefusal,
  type AmpRule,
  type AmpTerm,
  ampRule,
  buildAmp,
  buildAmpError,
  parseAmp,
  readAmpRules,
} from './amp.ts'
export { type AnnouncedFile, type Announcement, type AnnouncementState, buildAnnouncement, parseAnnouncement } from './announcement.ts'
export { announcementBody, buildAnnouncementMessageParts } from './announcement-text.ts'
export { buildTextEntry, parseEntryTitle, type TextEntry } from './atom.ts'
export { parseBoolean } from './bounded.ts'
export {
  type Activate,
  type BytestreamOffer,
  buildActivate,
  buildAddresses,
  buildAddressRequest,
  buildBytestreamOffer,
  buildStreamhostUsed,
  parseActivate,
  parseBytestreamOffer,
  parseStreamhosts,
  parseStreamhostUsed,
  type StreamhostAddress,
} from './bytestreams.ts'
export { buildCapabilities, type Capabilities, capabilitiesVersion, parseCapabilities } from './capabilities.ts'
export {
  buildBind,
  buildLegacySession,
  buildMechanisms,
  buildProceed,
  buildSaslFailure,
  buildSaslStep,
  buildStartTls,
  buildStreamFeatures,
  type ClientStreamHeader,
  clientStreamHeader,
  parseMechanisms,
} from './client-stream.ts'
export { buildCommand, buildCommandAnswer, type CommandAnswer, type CommandRequest, parseCommand, parseCommandAnswer } from './commands.ts'
export { buildHandshake, componentStreamHeader, handshakeDigest } from './component-stream.ts'
export {
  buildForm,
  type DataForm,
  type DataFormType,
  type FieldDatatype,
  type FormField,
  type FormOption,
  parseForm,
  parseSubmission,
} from './data-forms.ts'
export { formatDateTime, parseDateTime } from './date-time.ts'
export { declareNamespaces } from './declare-namespaces.ts'
export { buildDelay, type Delay, parseDelay } from './delay.ts'
export {
  buildDiscoInfo,
  buildDiscoInfoRequest,
  buildDiscoItems,
  buildDiscoItemsRequest,
  type DiscoIdentity,
  type DiscoInfo,
  type DiscoItem,
  parseDiscoInfo,
  parseDiscoItems,
} from './disco.ts'
export { type Attributes, attribute, type Element, parseElement, type StreamParser, startStreamParser, toXmlText, xml } from './element.ts'
export { buildLastActivity, buildPing, buildTime, buildVersion, type SoftwareVersion } from './entity.ts'
export {
  buildDeadLetterOrder,
  buildDeadLetters,
  buildFeedQueue,
  buildFeedQueueRequest,
  type DeadLetterOrder,
  type FeedDeadLetter,
  type FeedQueuePart,
  type FeedQueueRequest,
  parseDeadLetterOrder,
  parseDeadLetters,
  parseFeedQueue,
  parseFeedQueueRequest,
  type WaitingSubscriber,
} from './feed-queue.ts'
export {
  ACCOUNTS_MAX as FEED_READERS_MAX,
  buildFeedReaders,
  type FeedReaders,
  feedReadersFeature,
  parseFeedReaders,
} from './feed-readers.ts'
export {
  buildAcknowledgement,
  buildDelivery,
  type FeedAcceptance,
  feedAcceptanceForm,
  feedAcceptanceOf,
  feedOptions,
  parseAcknowledgement,
  parseDelivery,
} from './feeds.ts'
export { buildFileMetadata, type FileMetadata, parseFileMetadata } from './file-metadata.ts'
export { buildFileSharing, type FileSharing, type FileSource, parseFileSharing } from './file-sharing.ts'
export { buildHash, buildHashUsed, type Hash, type Hashes, hashFeatures, parseHashes } from './hashes.ts'
export { buildHint } from './hints.ts'
export {
  BLOCK_SIZE_LARGEST,
  buildInBandClose,
  buildInBandData,
  buildInBandOpen,
  type InBandData,
  type InBandOpen,
  messageData,
  parseInBandClose,
  parseInBandData,
  parseInBandOpen,
  SEQUENCE_NUMBERS,
} from './ibb.ts'
export {
  buildJingle,
  type Jingle,
  type JingleAction,
  type JingleContent,
  type JingleDescription,
  type JingleInfo,
  type JingleSenders,
  type JingleTransport,
  jingleActions,
  parseJingle,
} from './jingle.ts'
export type { JingleFile, JingleFileInfo, JingleRange } from './jingle-file-transfer.ts'
export type { JingleInBand } from './jingle-in-band.ts'
export { buildJinglePub, type JinglePub, type JinglePubMeta, parseJinglePub } from './jingle-pub.ts'
export { type JingleCondition, type JingleReason, jingleConditions } from './jingle-reason.ts'
export type { JingleRole } from './jingle-role.ts'
export type { JingleCandidate, JingleCandidateType, JingleSocks5, JingleSocks5Info } from './jingle-socks5.ts'
export { buildJson, type JsonContent, type JsonValue, parseJson } from './json-container.ts'
export { buildMessage, type Message, type MessageType, parseMessage } from './message.ts'
export { NS } from './namespaces.ts'
export { parsePayload } from './payload.ts'
export { buildPresence, type Presence, type PresenceType, parsePresence } from './presence.ts'
export {
  buildPresencePacket,
  type PresenceError,
  type PresencePacket,
  type PresencePacketKind,
  type PresenceValue,
  parsePresencePacket,
} from './presence-packet.ts'
export { buildPrivileges, type Privileges, parsePrivileges } from './privilege.ts'
export {
  buildStart,
  buildStarting,
  type PublishedProtocol,
  type PublishedStart,
  type PublishedStarting,
  parseStart,
  parseStarting,
} from './published-start.ts'
export {
  type PubsubAccountAffiliation,
  type PubsubAffiliation,
  type PubsubItem,
  type PubsubNodeAffiliation,
  type PubsubSubscriber,
  type PubsubSubscription,
  type PubsubSubscriptionState,
  pubsubForms,
} from './pubsub.ts'
export { buildAffiliationNotice, type PubsubAffiliationNotice, parseAffiliationNotice } from './pubsub-affiliation-notice.ts'
export { buildPubsubAnswer, type PubsubAnswers, parsePubsubAnswer } from './pubsub-answer.ts'
export {
  type Approval,
  type ApprovalRequest,
  buildApproval,
  buildApprovalRequest,
  parseApproval,
  parseApprovalRequest,
} from './pubsub-approval.ts'
export type { PubsubEntityRequests } from './pubsub-entity-requests.ts'
export {
  buildEvent,
  messageParts,
  type Notification,
  type NotificationFrame,
  type NotificationParts,
  notificationParts,
  type PubsubEvent,
  parseEvent,
  parseNotification,
  writeNotification,
} from './pubsub-event.ts'
export type { PubsubAccountSubscription, PubsubOwnerRequests } from './pubsub-owner-requests.ts'
export {
  buildPubsubRequest,
  type PubsubAction,
  type PubsubRequest,
  type PubsubRequestOf,
  type PubsubRequests,
  parsePubsubRequest,
} from './pubsub-request.ts'
export { rawXml } from './raw-xml.ts'
export { buildReceipt, buildReceiptRequest, parseReceipt, parseReceiptRequest } from './receipts.ts'
export { buildPage, buildPageRequest, type Page, type PageRequest, parsePage, parsePageRequest } from './result-set.ts'
export { buildRoomEntry, isOwnOccupant } from './rooms.ts'
export { buildRoster, buildRosterRequest, parseRoster, parseRosterSet, type RosterItem } from './roster.ts'
export { buildHeaders, type Header, parseHeaders } from './shim.ts'
export { buildSiFile, buildSiRange, parseSiFile, parseSiRange, type SiFile, type SiRange } from './si-file-transfer.ts'
export { buildSiPub, parseSiPub, type SiPub } from './si-pub.ts'
export {
  buildErrorReply,
  buildIq,
  buildIqResult,
  buildStanzaError,
  type IqEnvelope,
  type IqRequest,
  parseIqRequest,
  parseStanzaError,
} from './stanza.ts'
export { buildStreamError, parseStreamError, type StreamErrorReason } from './stream-error.ts'
export {
  buildStreamAcceptance,
  buildStreamInitiation,
  parseStreamAcceptance,
  parseStreamInitiation,
  payloadOf,
  type StreamInitiation,
} from './stream-initiation.ts'
export { buildVcard, type Vcard } from './vcard.ts'
export { writeXml } from './write-xml.ts'
export { buildJingleUri, type JingleUri, type NodeUri, parseJingleUri, parseNodeUri } from './xmpp-uri.ts'
