export { backUp } from './backup.ts'
export type { Value } from './driver.ts'
export { type Change, type Query, Storage, type StorageEvents, type StorageInit } from './storage.ts'
