// The embedded server as a process of its own, as its argument says in JSON; tells where it listens, and runs until it is killed.

import { EmbeddedServer, type EmbeddedServerInit } from '../../src/embedded/index.ts'

const server = new EmbeddedServer({}, JSON.parse(process.argv[2] ?? '') as EmbeddedServerInit)
console.log(JSON.stringify(await server.listen()))
