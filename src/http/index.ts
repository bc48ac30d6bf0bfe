export { Monitor, type MonitorComponents } from './monitor.ts'
