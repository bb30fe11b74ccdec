/** From the words of a command line to a command, and from its outcome to an exit code. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { command, type Command, CONFIG_FLAG, JSON_FLAG } from '../../../src/cli/command.ts'
import { fail } from '../../../src/core/errors.ts'
import { millrace } from './support.ts'

/** Keeps what each of its commands was called with. */
function recorder(): { readonly commands: readonly Command[]; readonly inputs: unknown[] } {
  const inputs: unknown[] = []
  const paint = command({
    name: 'paint',
    summary: 'Paint something',
    flags: {
      config: CONFIG_FLAG,
      json: JSON_FLAG,
      mainColour: { kind: 'text', value: 'name', about: 'the colour', default: null },
      coats: { kind: 'count', value: 'n', about: 'how many coats', default: 2 },
      seconds: { kind: 'count', value: 'n', about: 'how long', default: null },
      noPrimer: { kind: 'switch', about: 'leave out the primer' },
    },
    arguments: {
      what: { about: 'what to paint', isOptional: false },
      where: { about: 'on which side', isOptional: true },
    },
    async run(input) {
      inputs.push(input)
      return 3
    },
  })
  const list = command({
    name: 'lake ls',
    summary: 'List it',
    flags: { json: JSON_FLAG },
    arguments: {},
    async run(input) {
      inputs.push(input)
      return 0
    },
  })
  return { commands: [paint, list], inputs }
}

describe('a command', () => {
  test('gets a value for everything it declares', async () => {
    const { commands, inputs } = recorder()
    await millrace(['paint', 'door'], { commands })
    assert.deepEqual(inputs, [
      {
        config: 'millrace.yaml',
        json: false,
        mainColour: null,
        coats: 2,
        seconds: null,
        noPrimer: false,
        what: 'door',
        where: null,
      },
    ])
  })

  test('gets what was given', async () => {
    const { commands, inputs } = recorder()
    const words = 'paint door front --main-colour red --coats 3 --seconds 0 --no-primer --json'
    await millrace([...words.split(' '), '--config', 'a b.yaml'], { commands })
    assert.deepEqual(inputs, [
      {
        config: 'a b.yaml',
        json: true,
        mainColour: 'red',
        coats: 3,
        seconds: 0,
        noPrimer: true,
        what: 'door',
        where: 'front',
      },
    ])
  })

  test('decides the exit code', async () => {
    const { commands } = recorder()
    assert.equal((await millrace(['paint', 'door'], { commands })).exitCode, 3)
  })

  test('of a group is called by two words', async () => {
    const { commands, inputs } = recorder()
    const { exitCode } = await millrace(['lake', 'ls', '--json'], { commands })
    assert.equal(exitCode, 0)
    assert.deepEqual(inputs, [{ json: true }])
  })
})

describe('wrong usage', () => {
  const cases = [
    // words                          message                                      what to do
    [[], 'no command was given', 'see `millrace --help`'],
    [['lake'], 'no command was given', 'see `millrace --help`'],
    [['bogus'], "unknown command 'bogus'", 'see `millrace --help`'],
    [['pain'], "unknown command 'pain'", 'did you mean paint?'],
    [['lake', 'cut'], "unknown command 'cut'", 'see `millrace --help`'],
    [['paint', 'door', '--jsn'], "unknown option '--jsn'", 'did you mean --json?'],
    [['paint'], "missing required argument 'what'", 'see `millrace paint --help`'],
    [['lake', 'ls', '--zzzzzz'], "unknown option '--zzzzzz'", 'see `millrace lake ls --help`'],
    [
      ['paint', 'door', '--coats', 'x'],
      "option '--coats <n>' argument 'x' is invalid. It must be a whole number.",
      'see `millrace paint --help`',
    ],
    [
      ['paint', 'door', '--main-colour'],
      "option '--main-colour <name>' argument missing",
      'see `millrace paint --help`',
    ],
    [
      ['paint', 'a', 'b', 'c'],
      "too many arguments for 'paint'. Expected 2 arguments but got 3.",
      'see `millrace paint --help`',
    ],
  ] as const
  for (const [words, message, hint] of cases) {
    test(`is explained: millrace ${words.join(' ')}`, async () => {
      const { commands, inputs } = recorder()
      const { exitCode, stdout, stderr } = await millrace(words, { commands })
      assert.equal(exitCode, 2)
      assert.equal(stdout, '')
      const expected = `millrace: USAGE  ${message}\n  what to do: ${hint}\n  see docs/errors.md#usage\n`
      assert.equal(stderr.slice(stderr.indexOf('millrace: ')), expected)
      assert.deepEqual(inputs, [])
    })
  }

  test('is explained in JSON if that was asked for', async () => {
    const { stderr } = await millrace(['status', '--json', '--bogus'])
    assert.equal(JSON.parse(stderr).error.code, 'USAGE')
  })

  test('without a command shows the help', async () => {
    const { stderr } = await millrace([])
    assert.match(stderr, /^Usage: millrace <command> \[flags\]/)
  })
})

describe('a failure', () => {
  const failing = (error: () => unknown): readonly Command[] => [
    command({
      name: 'fall',
      summary: 'Fall',
      flags: { json: JSON_FLAG },
      arguments: {},
      run: async () => {
        throw error()
      },
    }),
  ]

  test('with a code has no stack', async () => {
    const commands: readonly Command[] = [
      command({
        name: 'fall',
        summary: 'Fall',
        flags: {},
        arguments: {},
        run: async () => fail('NO_TABLES', 'nothing matches', { hint: 'try *.*' }),
      }),
    ]
    const { exitCode, stderr } = await millrace(['fall'], { commands })
    assert.equal(exitCode, 1)
    assert.equal(
      stderr,
      'millrace: NO_TABLES  nothing matches\n  what to do: try *.*\n  see docs/errors.md#no_tables\n',
    )
  })

  test('without a code is a bug', async () => {
    const commands = failing(() => new RangeError('too far'))
    const { exitCode, stderr } = await millrace(['fall'], { commands })
    assert.equal(exitCode, 1)
    assert.match(stderr, /this is a bug[^]*RangeError: too far\n +at /)
  })

  test('that comes from Ctrl-C is not explained', async () => {
    const stop = new AbortController()
    const commands = failing(() => {
      stop.abort()
      return stop.signal.reason
    })
    const outcome = await millrace(['fall'], { commands, signal: stop.signal })
    assert.deepEqual(outcome, { exitCode: 1, stdout: '', stderr: '' })
  })
})

describe('help', () => {
  for (const words of [
    ['--help'],
    ['help'],
    ['paint', '--help'],
    ['help', 'paint'],
    ['lake', '-h'],
  ]) {
    test(`is printed and no failure: millrace ${words.join(' ')}`, async () => {
      const { commands, inputs } = recorder()
      const { exitCode, stdout, stderr } = await millrace(words, { commands })
      assert.equal(exitCode, 0)
      assert.match(stdout, /^Usage: millrace /)
      assert.equal(stderr, '')
      assert.deepEqual(inputs, [])
    })
  }

  test('names every flag and its default', async () => {
    const { commands } = recorder()
    const { stdout } = await millrace(['paint', '--help'], { commands })
    for (const part of ['--main-colour <name>', '--coats <n>', '(default: 2)', '--no-primer']) {
      assert.ok(stdout.includes(part), part)
    }
  })
})

describe('every command', () => {
  test('with a summary and a way to ask for help', async () => {
    const { stdout } = await millrace(['--help'])
    for (const name of ['init', 'run', 'status', 'tables', 'lake', 'demo', 'version']) {
      assert.match(stdout, new RegExp(`^  ${name}\\b.* {2}[A-Z]`, 'm'))
    }
  })
})
