/** Failures as the command line shows them, and the exit codes that go with them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { exitCodeOf, printError } from '../../../src/cli/print-error.ts'
import { CodedError } from '../../../src/core/errors.ts'

const plain = { hasColour: false, isJson: false }
const json = { hasColour: false, isJson: true }

const login = new CodedError(
  'LOGIN_FAILED',
  'password authentication failed for user "shop" at db.example:5432',
)
const refused = new AggregateError([
  new Error('connect ECONNREFUSED 127.0.0.1:5432'),
  new Error('b'),
])

describe('a failure with a code', () => {
  const cases = [
    {
      what: 'has code, cause, advice and the place to read on',
      error: login,
      text: `millrace: LOGIN_FAILED  password authentication failed for user "shop" at db.example:5432
  what to do: check user, password and database in the url
  see docs/errors.md#login_failed
`,
    },
    {
      what: 'has no advice if there is none',
      error: new CodedError('LAKE_MISSING', 'no lake in ./lake'),
      text: `millrace: LAKE_MISSING  no lake in ./lake
  see docs/errors.md#lake_missing
`,
    },
    {
      what: 'prefers the advice that was thrown with it',
      error: new CodedError('NO_TABLES', 'nothing matches app.*', { hint: 'try *.*' }),
      text: `millrace: NO_TABLES  nothing matches app.*
  what to do: try *.*
  see docs/errors.md#no_tables
`,
    },
    {
      what: 'names its cause',
      error: new CodedError('CONNECTION_LOST', 'no connection to db', {
        cause: new Error('read ECONNRESET\nand more'),
        hint: 'wait',
      }),
      text: `millrace: CONNECTION_LOST  no connection to db: read ECONNRESET
  what to do: wait
  see docs/errors.md#connection_lost
`,
    },
    {
      what: 'does not repeat a cause that it quotes',
      error: new CodedError('LAKE_UNWRITABLE', 'lake: EACCES', {
        cause: new Error('EACCES'),
        hint: 'chmod',
      }),
      text: `millrace: LAKE_UNWRITABLE  lake: EACCES
  what to do: chmod
  see docs/errors.md#lake_unwritable
`,
    },
    {
      what: 'names the first of several causes',
      error: new CodedError('CONNECTION_LOST', 'no connection', { cause: refused, hint: 'wait' }),
      text: `millrace: CONNECTION_LOST  no connection: connect ECONNREFUSED 127.0.0.1:5432
  what to do: wait
  see docs/errors.md#connection_lost
`,
    },
    {
      what: 'may have several lines, of which the later are indented',
      error: new CodedError('CONFIG_INVALID', 'a.yaml has 2 mistakes\na.yaml:1:1 x\na.yaml:2:1 y'),
      text: `millrace: CONFIG_INVALID  a.yaml has 2 mistakes
  a.yaml:1:1 x
  a.yaml:2:1 y
  see docs/errors.md#config_invalid
`,
    },
  ]
  for (const { what, error, text } of cases) {
    test(what, () => assert.equal(printError(error, plain), text))
  }

  test('is one line of JSON for scripts', () => {
    assert.equal(
      printError(login, json),
      '{"error":{"code":"LOGIN_FAILED","message":"password authentication failed for user \\"shop\\" at db.example:5432","hint":"check user, password and database in the url"}}\n',
    )
  })

  test('has a coloured code on a terminal', () => {
    const text = printError(login, { hasColour: true, isJson: false })
    assert.ok(text.startsWith('millrace: \u001b[31mLOGIN_FAILED\u001b[39m  password'), text)
  })
})

describe('a bug', () => {
  test('shows its stack and asks to be reported', () => {
    const text = printError(new TypeError('x is not a function'), plain)
    assert.match(text, /^millrace: this is a bug of Millrace/)
    assert.match(text, /please report it/)
    assert.match(text, /^ {2}TypeError: x is not a function\n {6}at /m)
  })

  test('may be anything that was thrown', () => {
    assert.match(printError('just text', plain), /^ {2}just text$/m)
  })

  test('has the code UNEXPECTED for scripts, and no stack', () => {
    assert.deepEqual(JSON.parse(printError(new TypeError('oops'), json)), {
      error: { code: 'UNEXPECTED', message: 'oops', hint: 'please report it: this is a bug' },
    })
  })
})

describe('the exit code', () => {
  const cases = [
    ['USAGE', 2],
    ['CONFIG_INVALID', 2],
    ['CONFIG_MISSING', 2],
    ['SECRET_MISSING', 2],
    ['FILE_EXISTS', 1],
    ['NOT_RUNNING', 1],
    ['LOGIN_FAILED', 1],
    ['CONFIG_MID_TRANSACTION', 1],
  ] as const
  for (const [code, exitCode] of cases) {
    test(`of ${code} is ${exitCode}`, () => {
      assert.equal(exitCodeOf(new CodedError(code, 'x')), exitCode)
    })
  }

  test('of a bug is 1', () => assert.equal(exitCodeOf(new Error('x')), 1))
})
