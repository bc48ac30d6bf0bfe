import test from 'ava'
import { MemoryStore } from '../../../src/pubsub/index.ts'
import { pubsubStoreContract } from '../../contract/pubsub-store.ts'

pubsubStoreContract(test, () => Promise.resolve(new MemoryStore()))
