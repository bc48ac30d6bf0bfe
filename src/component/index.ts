export { BytestreamProxy, type ProxyComponents, type ProxyEvents, type ProxyInit } from './bytestreams.ts'
export { presentComponent } from './component.ts'
export { logProxy } from './proxy-log.ts'
