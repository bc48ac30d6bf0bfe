export { PortMapper, type PortMapping } from './port-mapper.ts'
export { familyOf, isPrivateAddress } from './private-address.ts'
