import test from 'ava'
import { MemoryStore } from '../../../src/pubsub/index.ts'
import { queueStoreContract } from '../../contract/queue-store.ts'

queueStoreContract(test, () => Promise.resolve(new MemoryStore()))
