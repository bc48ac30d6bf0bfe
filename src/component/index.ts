export { BytestreamProxy, type ProxyComponents, type ProxyEvents, type ProxyInit } from './bytestreams.ts'
export { presentComponent } from './component.ts'
