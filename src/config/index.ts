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
export {
  accountOptions,
  allOptions,
  checkOptions,
  queueOptions,
  receiveOptions,
  reloadableOptions,
  sendOptions,
  sendQueueOptions,
  serveOptions,
} from './options.ts'
export type { HostPort } from './values.ts'
