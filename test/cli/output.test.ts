import test, { type ExecutionContext } from 'ava'
import { Output } from '../../src/cli/output.ts'
import { columnsOf, shorten, toPlainText, wrap } from '../../src/cli/text.ts'
import { BytestreamError, systemClock } from '../../src/core/index.ts'
import { Transfer } from '../../src/transfer/index.ts'
import { TestTerminal } from '../helpers/terminal.ts'

/** A transfer that does what the test says. */
function startTransfer(name: string) {
  let settle = (_?: BytestreamError) => {}
  const transfer = new Transfer(systemClock, { direction: 'send', peer: 'a@b/c', name }, () => {
    transfer.moveTo('preparing')
    return new Promise((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve({ path: name, size: 1_000, sha256: '', method: 'proxy', confirmed: true }))
    })
  })
  return { transfer, settle: (error?: BytestreamError) => settle(error) }
}

function start({ stdout, stderr }: { stdout?: number; stderr?: number }, isJson = false) {
  const streams = { stdout: new TestTerminal(stdout), stderr: new TestTerminal(stderr) }
  return { ...streams, output: new Output(streams, { isJson }) }
}

/** Until the bars were drawn `times` more. */
async function drawn(terminal: TestTerminal, times = 1): Promise<void> {
  const before = terminal.written.length
  for (let seen = before; times > 0; ) {
    await new Promise((resolve) => setImmediate(resolve))
    if (terminal.written.length > seen) times -= 1
    seen = terminal.written.length
  }
}

test('a fact is a JSON object a line with --json, a line of text without, and nothing for people where there is no text', (t) => {
  const json = start({}, true)
  json.output.tell('ready', { jid: 'a@b', waitMs: 12.7 }, 'a@b is ready')
  json.output.tell('opened', { method: 'proxy' })
  t.is(json.stdout.written, '{"event":"ready","jid":"a@b","waitMs":13}\n{"event":"opened","method":"proxy"}\n')
  const text = start({})
  text.output.tell('ready', { jid: 'a@b' }, 'a@b is ready', 'and waits')
  text.output.tell('opened', { method: 'proxy' })
  t.is(text.stdout.written, 'a@b is ready\nand waits\n')
})

test('what goes wrong is told on stderr, with --json too', (t) => {
  for (const isJson of [true, false]) {
    const { output, stdout, stderr } = start({}, isJson)
    output.complain('it broke')
    t.deepEqual([stdout.written, stderr.written], ['', 'it broke\n'])
  }
})

const lines = (terminal: TestTerminal) => terminal.screen

test('bars are drawn on stderr, below the lines, and are gone at the end; every line stays', async (t) => {
  const { output, stdout, stderr } = start({ stdout: 80, stderr: 80 })
  // One terminal.
  stdout._write = stderr._write.bind(stderr)
  const { transfer, settle } = startTransfer('photo.jpg')
  output.tell('online', {}, 'first line')
  output.follow(transfer)
  await drawn(stderr, 2)
  t.deepEqual(lines(stderr), ['first line', '░░░░░░░░░░░░░░░░   0% photo.jpg: reading it for its hash'])
  transfer.update({ size: 1_000, bytes: 500 })
  transfer.moveTo('moving')
  output.tell('opened', {}, 'second line')
  output.complain('third line')
  while (!lines(stderr).some((line) => line.includes('50%'))) await drawn(stderr)
  t.deepEqual(lines(stderr).slice(0, 3), ['first line', 'second line', 'third line'])
  t.regex(lines(stderr)[3] ?? '', /^████████░░░░░░░░ {2}50% photo\.jpg: 500 B of 1000 B, .*B\/s, .* left$/)
  transfer.on('done', () => output.tell('sent', {}, 'last line'))
  settle()
  await transfer.done
  output.close()
  t.deepEqual(lines(stderr), ['first line', 'second line', 'third line', 'last line'])
})

test('a file that will be tried again says when, and that it is', async (t) => {
  const { output, stderr } = start({ stderr: 80 })
  const { transfer, settle } = startTransfer('photo.jpg')
  output.follow(transfer)
  await drawn(stderr, 2)
  const says = async (what: string) => {
    while (!lines(stderr).some((line) => line.endsWith(what))) await drawn(stderr)
  }
  transfer.interrupt(new BytestreamError('ERR_RESET', 'it broke'), 86_400_000)
  await says('photo.jpg: trying again in 24 h')
  transfer.interrupt(new BytestreamError('ERR_RESET', 'it broke'), 0)
  await says('photo.jpg: trying again')
  settle()
  await transfer.done
  output.close()
  t.deepEqual(lines(stderr), [])
})

for (const [columns, expected] of [
  [40, /^█░{5} {2}25% 1 of 4 files$/],
  [80, /^████░{12} {2}25% 1 of 4 files, 1000 B of 3\.9 KiB, .*B\/s, .* left$/],
  [200, /^████░{12} {2}25% 1 of 4 files, 1000 B of 3\.9 KiB, .*B\/s, .* left$/],
] as const) {
  test(`several files have a line of their own above the bars, within ${columns} columns`, async (t) => {
    const { output, stderr } = start({ stderr: columns })
    const all = ['one', 'two', '漢字漢字漢字漢字漢字漢字漢字漢字.txt', 'four'].map(startTransfer)
    output.followAll(
      all.map(({ transfer }) => transfer),
      4_000,
    )
    const [first, , kanji] = all as [(typeof all)[0], unknown, (typeof all)[0]]
    output.follow(kanji.transfer)
    first.transfer.update({ size: 1_000, bytes: 1_000 })
    await new Promise(setImmediate)
    first.settle()
    await first.transfer.done
    while (!lines(stderr).some((line) => line.includes('1 of 4'))) await drawn(stderr)
    await drawn(stderr, 2)
    const [total = '', bar = ''] = lines(stderr)
    t.regex(total, expected)
    t.true(bar.includes('漢字.txt:'), bar)
    for (const line of lines(stderr)) t.true(columnsOf(line) < columns, line)
    for (const { settle } of all) settle()
    await Promise.all(all.map(({ transfer }) => transfer.done))
    output.close()
    t.deepEqual(lines(stderr), [])
  })
}

test('what was there already counts as far as the files are, and not in their rate', async (t) => {
  const { output, stderr } = start({ stderr: 80 })
  const { transfer, settle } = startTransfer('photo.jpg')
  output.followAll([transfer], 4_000)
  transfer.startFrom(2_000)
  while (!lines(stderr).some((line) => line.includes('50%'))) await drawn(stderr)
  t.deepEqual(lines(stderr), ['████████░░░░░░░░  50% 0 of 1 files, 2 KiB of 3.9 KiB'])
  transfer.update({ bytes: 3_000 })
  while (!lines(stderr).some((line) => line.includes('75%'))) await drawn(stderr)
  t.regex(lines(stderr)[0] ?? '', /, 2\.9 KiB of 3\.9 KiB, .*B\/s, .* left$/)
  settle()
  await transfer.done
  output.close()
})

test('result lines go to stdout also where only stderr is a terminal', async (t) => {
  const { output, stdout, stderr } = start({ stderr: 60 })
  const { transfer, settle } = startTransfer('photo.jpg')
  output.follow(transfer)
  await drawn(stderr, 2)
  output.tell('opened', {}, 'a result that is much longer than the sixty columns of the terminal')
  t.is(stdout.written, 'a result that is much longer than the sixty columns of the terminal\n')
  settle(new BytestreamError('ERR_RESET', 'it broke'))
  await t.throwsAsync(transfer.done)
  output.close()
  t.deepEqual(lines(stderr), [])
})

test('where stderr is no terminal, or with --json, there are no bars', async (t) => {
  for (const [given, isJson] of [
    [{ stdout: 80 }, false],
    [{ stdout: 80, stderr: 80 }, true],
  ] as const) {
    const { output, stdout, stderr } = start(given, isJson)
    const { transfer, settle } = startTransfer('photo.jpg')
    output.follow(transfer)
    await transfer.progress().next()
    settle()
    await transfer.done
    output.close()
    t.deepEqual([stdout.written, stderr.written], ['', ''])
  }
})

test('nothing has to be put back: the cursor is not hidden, and lines wrap as before', async (t) => {
  const { output, stderr } = start({ stderr: 80 })
  const { transfer, settle } = startTransfer('photo.jpg')
  output.follow(transfer)
  await drawn(stderr, 3)
  t.false(stderr.written.includes('\u001b[?'))
  settle()
  await transfer.done
  output.close()
})

test('after the last bar nothing is drawn any more, and a later transfer has its bar again', async (t) => {
  const { output, stderr } = start({ stderr: 80 })
  const first = startTransfer('first.jpg')
  output.follow(first.transfer)
  await drawn(stderr)
  first.settle()
  await first.transfer.done
  while (lines(stderr).length > 0) await drawn(stderr)
  const second = startTransfer('second.jpg')
  output.follow(second.transfer)
  await drawn(stderr, 2)
  t.deepEqual(lines(stderr), ['░░░░░░░░░░░░░░░░   0% second.jpg: reading it for its hash'])
  second.settle()
  await second.transfer.done
  output.close()
})

test('a bar never fills its line, whatever the name is, and says what there is room for', async (t) => {
  for (const [columns, name] of [
    [30, 'photo.jpg'],
    [40, '漢'.repeat(100)],
    [60, '😀'.repeat(100)],
    [80, `${'long '.repeat(100)}.tar.gz`],
    [80, 'a\u001b[31mb\u202e\nc'],
  ] as const) {
    const { output, stderr } = start({ stderr: columns })
    const { transfer, settle } = startTransfer(name)
    output.follow(transfer)
    await drawn(stderr, 2)
    const [line = '', ...others] = lines(stderr)
    t.deepEqual(others, [])
    t.true(columnsOf(line) < columns, line)
    t.true(line.startsWith(`${'░'.repeat(columns < 60 ? 6 : 16)}   0%`), line)
    settle()
    await transfer.done
    output.close()
  }
})

test('a narrow terminal has a shorter bar, and room for how far it is', async (t) => {
  const { output, stderr } = start({ stderr: 40 })
  const { transfer, settle } = startTransfer('disk.img')
  await Promise.resolve()
  transfer.update({ size: 400, bytes: 100 })
  transfer.moveTo('moving')
  output.follow(transfer)
  await drawn(stderr, 2)
  t.deepEqual(lines(stderr), ['█░░░░░  25% disk.img: 100 B of 400 B'])
  settle()
  await transfer.done
  output.close()
  t.deepEqual(lines(stderr), [])
})

const plain = test.macro({
  exec(t: ExecutionContext, given: string, expected: string) {
    t.is(toPlainText(given), expected)
  },
  title: (_, given: string) => `text for people: ${JSON.stringify(given)}`,
})
test(plain, 'photo 漢字 😀 ü.jpg', 'photo 漢字 😀 ü.jpg')
test(plain, '\u001b]0;title\u0007', '\ufffd]0;title\ufffd')
test(plain, 'a\nb\rc\u2028d', 'a\ufffdb\ufffdc\ufffdd')
test(plain, 'gpj.\u202eexe', 'gpj.\ufffdexe')

test('the columns of a text are those of a terminal', (t) => {
  for (const [text, columns] of [
    ['', 0],
    ['abc', 3],
    ['漢字', 4],
    ['😀', 2],
    ['e\u0301', 1],
    ['ü', 1],
    ['█░', 2],
    ['ｆｕｌｌ', 8],
  ] as const) {
    t.is(columnsOf(text), columns, text)
  }
})

test('what is too long is known by its end', (t) => {
  t.is(shorten('photo.jpg', 9), 'photo.jpg')
  t.is(shorten('a long photo.jpg', 10), '…photo.jpg')
  t.is(shorten('漢字漢字.jpg', 9), '…漢字.jpg')
  t.is(shorten('漢字漢字.jpg', 8), '…字.jpg')
})

test('a line breaks between words, moved in; a word that is too long stays whole', (t) => {
  t.is(wrap('one two three', 80), 'one two three')
  t.is(wrap('one two three', 7), 'one two\n    three')
  t.is(wrap(' 1. one two', 8), ' 1. one\n    two')
  t.is(wrap('a verylongword b', 6), 'a\n    verylongword\n    b')
})
