export { getOptions, notifyOptions, offerOptions, watchOptions } from './feeds-options.ts'
export { loadHashList } from './hash-list.ts'
export {
  loadAccounts,
  loadCertificates,
  loadIdentity,
  loadSecret,
  loadSettings,
  type Option,
  type Options,
  type Settings,
  type Sources,
  unknownVariables,
  variableOf,
  wordsOf,
} from './load.ts'
export { accountOptions, allOptions, checkOptions, reloadableOptions, serveOptions } from './options.ts'
export { backupOptions } from './pubsub-options.ts'
export { advertise, limitsOf, pubsubLimitsOf, ratesOf, type ServiceSettings } from './serve-settings.ts'
export { queueOptions, receiveOptions, sendOptions, sendQueueOptions } from './transfer-options.ts'
export type { HostPort } from './values.ts'
