export { AccessList, defaultRules } from './access.ts'
