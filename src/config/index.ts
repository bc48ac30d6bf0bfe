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
  variableOf,
} from './load.ts'
export { accountOptions, checkOptions, receiveOptions, reloadableOptions, sendOptions, serveOptions } from './options.ts'
export type { HostPort } from './values.ts'
