export { type AcceptanceInit, receiveLimits } from './acceptance.ts'
export type { FetchInit } from './fetch.ts'
export { numberFileName, toSafeFileName } from './file-name.ts'
export type { FileResponder, FileResponderEvents } from './file-responder.ts'
export type { FileOffer, FileRules } from './file-rules.ts'
export type { FileFacts } from './file-source.ts'
export { type Found, type FoundFile, filesIn } from './files-in.ts'
export { type HashAlgorithm, type OfferableAlgorithm, offerableAlgorithms, pickAlgorithm } from './hashes.ts'
export { findFile, inspectFile, isUnchanged } from './known-file.ts'
export { checkProxyIsUsed, type NegotiationChoice } from './negotiation.ts'
export type { FileToSend, SendInit } from './offering.ts'
export type { ObtainInit } from './published/obtain.ts'
export type { AnnouncedFile } from './published/obtaining.ts'
export { Publications, type PublicationsEvents, type Published, type PublishInit, type StartRequest } from './published/publications.ts'
export { ABSENT_MS_MAX, type Absent } from './queue/absences.ts'
export type { EntryState, QueuedFile, QueuedOptions, QueueEntry } from './queue/entry.ts'
export { FileQueue, type FileQueueEvents, type Queued, type QueueOrder, type WorkInit } from './queue/file-queue.ts'
export { describeHolder, type QueueHolder } from './queue/hold.ts'
export { type ReceiveInit, Receiver, type ReceiverEvents } from './receiver.ts'
export type { Responder, ResponderEvents } from './responder.ts'
export { defaultRetry, isTransient, type RetryInit } from './retry.ts'
export { type FileRange, type FileRequest, type ShareInit, Sharing, type SharingEvents } from './sharing.ts'
export { Transfer, type Work } from './transfer.ts'
export { TransferClient, type TransferClientComponents, type TransferClientInit } from './transfer-client.ts'
export type {
  Negotiation,
  NegotiationStep,
  Opened,
  Progress,
  Sent,
  TransferEvents,
  TransferFacts,
  TransferResult,
  TransferState,
  WithoutFolderStep,
} from './transfer-facts.ts'
