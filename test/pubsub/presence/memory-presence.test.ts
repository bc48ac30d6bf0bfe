import test from 'ava'
import { MemoryPresence } from '../../../src/pubsub/index.ts'
import { presenceStoreContract } from '../../contract/presence-store.ts'

presenceStoreContract(test, async () => ({ store: new MemoryPresence(), close: async () => {} }))
