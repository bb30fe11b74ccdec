/** References to secrets, and what of a url may be logged. */

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'

import fc from 'fast-check'

import {
  currentSecret,
  fileOf,
  hasPassword,
  redact,
  resolveSecret,
} from '../../../src/config/secrets.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const folder = temporaryFolder('secrets')
writeFileSync(join(folder, 'url.txt'), 'postgres://shop:s3cret@db/shop\n')
writeFileSync(join(folder, 'empty.txt'), '\n')
const env = { SOURCE_URL: 'postgres://db/shop', EMPTY: '' }

describe('a secret', () => {
  const cases = [
    // text                        kind       value or problem
    ['env:SOURCE_URL', 'value', 'postgres://db/shop'],
    ['file:url.txt', 'value', 'postgres://shop:s3cret@db/shop'],
    [`file:${join(folder, 'url.txt')}`, 'value', 'postgres://shop:s3cret@db/shop'],
    ['postgres://db/shop', 'value', 'postgres://db/shop'],
    ['plain', 'value', 'plain'],
    ['', 'value', ''],
    ['env:MISSING', 'missing', 'the environment variable MISSING is not set'],
    ['env:EMPTY', 'missing', 'the environment variable EMPTY is empty'],
    ['file:none.txt', 'missing', `the file ${join(folder, 'none.txt')} cannot be read (ENOENT)`],
    ['file:.', 'missing', `the file ${folder} cannot be read (EISDIR)`],
    ['file:empty.txt', 'missing', `the file ${join(folder, 'empty.txt')} is empty`],
    ['file:', 'refused', 'expected a path after file:'],
    ['env:', 'refused', 'expected the name of a variable after env:'],
    ['env:postgres://a:b@c', 'refused', 'expected the name of a variable after env:'],
    [
      'secretsmanager:arn:aws:x#url',
      'refused',
      'a reference to secretsmanager is not in this version yet; use env:NAME or file:PATH',
    ],
    [
      'ssm:/shop/url',
      'refused',
      'a reference to ssm is not in this version yet; use env:NAME or file:PATH',
    ],
  ] as const
  for (const [text, kind, expected] of cases) {
    test(`written as "${text.replace(folder, '<folder>')}" is ${kind}`, () => {
      const secret = resolveSecret(text, { env, folder })
      assert.equal(secret.kind, kind)
      assert.equal(secret.kind === 'value' ? secret.value : secret.problem, expected)
    })
  }

  test('counts as a reference only if it is one', () => {
    const place = { env, folder }
    assert.deepEqual(resolveSecret('env:SOURCE_URL', place), {
      kind: 'value',
      value: 'postgres://db/shop',
      isReference: true,
    })
    assert.deepEqual(resolveSecret('plain', place), {
      kind: 'value',
      value: 'plain',
      isReference: false,
    })
  })
})

describe('a secret that is asked for again', () => {
  test('is what its file says now, and what it was while the file is away', async () => {
    const path = join(folder, 'rotated.txt')
    const current = currentSecret('first', path)
    assert.equal(await current(), 'first')
    writeFileSync(path, 'second\n')
    assert.equal(await current(), 'second')
    rmSync(path)
    assert.equal(await current(), 'second')
  })

  test('stays what it is without a file', async () => {
    assert.equal(await currentSecret('first', null)(), 'first')
    assert.equal(fileOf('file:url.txt', '/etc/shop'), '/etc/shop/url.txt')
    assert.equal(fileOf('env:SOURCE_URL', '/etc/shop'), null)
    assert.equal(fileOf('postgres://db/shop', '/etc/shop'), null)
  })
})

describe('a url in a log', () => {
  const cases = [
    ['postgres://shop:s3cret@db:5432/shop', 'postgres://shop:***@db:5432/shop'],
    ['postgres://shop:a@b@db/shop', 'postgres://shop:***@db/shop'],
    ['postgres://shop:a/b?c#d@db/shop', 'postgres://shop:***@db/shop'],
    ['postgres://:s3cret@db/shop', 'postgres://:***@db/shop'],
    ['postgres://shop@db/shop', 'postgres://shop@db/shop'],
    ['postgres://db/shop?sslmode=require', 'postgres://db/shop?sslmode=require'],
    ['postgres://db/shop?user=a&password=b&x=1', 'postgres://db/shop?user=a&password=***&x=1'],
    ['postgres://db/shop?sslpassword=b', 'postgres://db/shop?sslpassword=***'],
    ['not a url: s3cret', '***'],
  ] as const
  for (const [url, shown] of cases) {
    test(`${shown} has no password`, () => assert.equal(redact(url), shown))
  }

  test('never has the password, whatever characters it is made of', () => {
    const password = fc.string({ minLength: 4 }).map((text) => `s3${encodeURIComponent(text)}`)
    const isHidden = (text: string) => !redact(`postgres://u:${text}@db:5432/x`).includes(text)
    fc.assert(fc.property(password, isHidden))
  })

  test('is known to have one', () => {
    assert.equal(hasPassword('postgres://shop:s3cret@db/shop'), true)
    assert.equal(hasPassword('postgres://shop@db/shop'), false)
  })
})
