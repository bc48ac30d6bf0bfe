import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test, { type ExecutionContext } from 'ava'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HostPort } from '../../src/config/index.ts'
import { type Logger, silentLogger } from '../../src/core/index.ts'
import { type HttpPart, HttpServer, type HttpServerInit } from '../../src/http/http-server.ts'
import { foreign } from '../helpers/foreign.ts'
import { ourProgram } from '../helpers/our-programs.ts'
import { open, readAll } from '../helpers/raw-socks5.ts'

interface Stage {
  readonly at: HostPort
  readonly url: string
  readonly server: HttpServer
}

/** Of what is to run out; who is not late has all of it, however busy the machine. */
const TIME_MS = 2_000
/** The same, where something has to be read in that time. */
const READ_MS = 10_000

/** Routes by their path, as a part. */
function part(routes: Readonly<Record<string, (request: FastifyRequest, reply: FastifyReply) => unknown>>): HttpPart {
  return (app, _, done) => {
    for (const [path, answer] of Object.entries(routes)) app.get(path, answer)
    done()
  }
}

/** A server with the route `/here`, and those of `init`. */
async function start(t: ExecutionContext, init: Partial<HttpServerInit> = {}, logger: Logger = silentLogger): Promise<Stage> {
  const server = new HttpServer({ logger }, { ...init, parts: [part({ '/here': () => ({ is: 'here' }) }), ...(init.parts ?? [])] })
  t.teardown(() => server.close())
  const at = await server.listen({ host: '127.0.0.1', port: 0 })
  return { at, url: `http://127.0.0.1:${at.port}`, server }
}

const request = (line: string) => `${line} HTTP/1.1\r\nHost: here\r\n\r\n`

/** A connection that has its answer already, and stays. */
async function served(t: ExecutionContext, at: HostPort): Promise<Socket> {
  const socket = await open(t, at)
  socket.write(request('GET /here'))
  const [answer] = await once(socket, 'data')
  t.regex(String(answer), /^HTTP\/1\.1 200 OK\r\n/)
  return socket
}

for (const [method, path, status, body] of [
  ['GET', '/here', 200, '{"is":"here"}'],
  ['GET', '/here?with=a&query', 200, '{"is":"here"}'],
  ['HEAD', '/here', 200, ''],
  ['GET', '/nowhere', 404, '{"error":"not found"}'],
  ['POST', '/nowhere', 404, '{"error":"not found"}'],
  ['GET', '/here/', 404, '{"error":"not found"}'],
  ['GET', '/%ff', 400, '{"error":"bad request"}'],
  ...['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PROPFIND'].map(
    (other) => [other, '/here', 405, '{"error":"method not allowed"}'] as const,
  ),
] as const) {
  test(`${method} ${path} is answered with ${status}, for no cache to keep`, async (t) => {
    const { url } = await start(t)
    const answer = await fetch(`${url}${path}`, { method })
    t.is(answer.status, status)
    t.is(await answer.text(), body)
    t.is(answer.headers.get('cache-control'), 'no-store')
    t.is(answer.headers.get('content-type'), 'application/json; charset=utf-8')
    t.is(answer.headers.get('allow'), status === 405 ? 'GET, HEAD' : null)
  })
}

test('a body that nobody asked for is not waited for', async (t) => {
  const { at } = await start(t)
  const socket = await open(t, at)
  socket.write('POST /here HTTP/1.1\r\nHost: here\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{')
  const [answer] = await once(socket, 'data')
  t.regex(String(answer), /^HTTP\/1\.1 405 /)
})

test('what is not HTTP is answered with 400, and its connection closed', async (t) => {
  const { at, url } = await start(t)
  const socket = await open(t, at)
  socket.write(Buffer.from([5, 1, 0]))
  t.regex(await readAll(socket), /^HTTP\/1\.1 400 /)
  t.is((await fetch(`${url}/here`)).status, 200)
})

test('a fault of a part is logged, and the other side is told no more than that there is one', async (t) => {
  const logged: unknown[] = []
  const logger: Logger = { ...silentLogger, error: (facts) => logged.push(facts) }
  const err = new Error('juliet at 192.0.2.1')
  const fault = () => {
    throw err
  }
  const { url } = await start(t, { parts: [part({ '/faulty': fault })] }, logger)
  const answer = await fetch(`${url}/faulty`)
  t.is(answer.status, 500)
  t.is(await answer.text(), '{"error":"internal error"}')
  t.deepEqual(logged, [{ err }])
  await fetch(`${url}/%ff`)
  t.is(logged.length, 1, 'what others do wrong is not logged')
})

test('at the maximum of connections the next one is closed, until one has left', async (t) => {
  const { at } = await start(t, { limits: { connectionsMax: 2 } })
  const [one] = [await served(t, at), await served(t, at)]
  const third = await open(t, at)
  t.is(await readAll(third), '')
  one.end()
  await once(one, 'close')
  await served(t, at)
})

test('header fields beyond their maximum are refused', async (t) => {
  const { url } = await start(t, { limits: { headerBytesMax: 1024 } })
  t.is((await fetch(`${url}/here`, { headers: { 'x-long': 'x'.repeat(500) } })).status, 200)
  t.is((await fetch(`${url}/here`, { headers: { 'x-long': 'x'.repeat(1024) } })).status, 431)
})

test('whoever does not finish the header fields in time is told so, and cut', async (t) => {
  const { at } = await start(t, { limits: { headersMsMax: TIME_MS } })
  const socket = await open(t, at)
  socket.write('GET /here HTTP/1.1\r\nHost:')
  t.regex(await readAll(socket), /^HTTP\/1\.1 408 /)
})

test('whoever does not finish the request in time is cut', async (t) => {
  const { at } = await start(t, { limits: { headersMsMax: READ_MS, requestMsMax: READ_MS } })
  const socket = await open(t, at)
  socket.write('POST /here HTTP/1.1\r\nHost: here\r\nContent-Length: 10\r\n\r\n12345')
  t.regex(await readAll(socket), /^HTTP\/1\.1 405 /)
})

test('a connection on which nothing happens is closed', async (t) => {
  const { at } = await start(t, { limits: { quietMsMax: READ_MS } })
  const socket = await served(t, at)
  t.is(await readAll(socket), '')
})

test('whoever does not read the answer is cut', async (t) => {
  const size = 64 * 1024 * 1024
  let cut: Promise<unknown> | undefined
  const large = part({
    '/large': (_, reply) => {
      cut = once(reply.raw, 'close')
      return Buffer.alloc(size)
    },
  })
  const { at } = await start(t, { parts: [large], limits: { quietMsMax: READ_MS } })
  const socket = await open(t, at)
  socket.write(request('GET /large'))
  await once(socket, 'readable')
  await cut
  let received = 0
  socket.on('data', (octets: Buffer) => {
    received += octets.length
  })
  await new Promise((resolve) => socket.once('end', resolve).once('close', resolve))
  t.true(received < size, `${received}`)
})

test('closing cuts whoever is connected', async (t) => {
  const { at, server } = await start(t)
  // Behind the silent one, which has been accepted when the other has its answer.
  const both = [await open(t, at), await served(t, at)].map((socket) => readAll(socket))
  await server.close()
  t.deepEqual(await Promise.all(both), ['', ''])
})

test('an address that is taken is an error that names it', async (t) => {
  const { at } = await start(t)
  const other = new HttpServer({ logger: silentLogger }, { parts: [] })
  await t.throwsAsync(other.listen(at), {
    code: 'ERR_LISTEN',
    message: new RegExp(`^cannot listen on 127\\.0\\.0\\.1 port ${at.port} for HTTP: .*EADDRINUSE`),
  })
  await other.close()
})

test('* stands for every address of this machine', async (t) => {
  const server = new HttpServer({ logger: silentLogger }, { parts: [] })
  t.teardown(() => server.close())
  const { port } = await server.listen({ host: '*', port: 0 })
  for (const host of ['127.0.0.1', '[::1]']) t.is((await fetch(`http://${host}:${port}/`)).status, 404, host)
})

const elsewhereTest = foreign('HTTP where localhost has two addresses', ['namespaces'])

elsewhereTest('connections are counted, whichever address of localhost they come to', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'streamhost-hosts-'))
  t.teardown(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'hosts'), '::1 localhost\n127.0.0.1 localhost\n')
  const script = 'mount --bind "$0/hosts" /etc/hosts && exec "$@"'
  const child = [process.execPath, ...ourProgram('test/helpers/http-child.ts'), 'localhost']
  const { stdout } = await promisify(execFile)('unshare', ['--mount', 'sh', '-c', script, folder, ...child])
  t.deepEqual(JSON.parse(stdout), { '127.0.0.1': 2, '::1': 0 })
})
