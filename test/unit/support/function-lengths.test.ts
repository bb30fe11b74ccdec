/** The budget of functions is only worth something if the scanner sees them. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'

import { longFunctions } from '../../support/function-lengths.ts'

const LINES = '\n  a()\n  b()\n'

describe('a function of four lines', () => {
  const functions = [
    `function f() {${LINES}}`,
    `async function f(a: { b: string }): Promise<Map<string, number[]>> {${LINES}}`,
    `function f(): { a: string } {${LINES}}`,
    `async function f(): Promise<{ a: string; b: number }> {${LINES}}`,
    `const f = () => {${LINES}}`,
    `const f = async (a) => {${LINES}}`,
    `const f = a => {${LINES}}`,
    `class A { f(b = (1)): void {${LINES}}}`,
    `class A { #f() {${LINES}}}`,
    `class A { constructor() {${LINES}}}`,
    `test('with { a brace', () => {${LINES}})`,
    `function f() {\n  a('}')\n  b(/[}/]/, \`}\${'}'}\`) // }\n}`,
    `function* f() {${LINES}}`,
    `function f() {\n  if (a) {\n  }\n}`,
  ]

  for (const source of functions) {
    test(`is seen in ${JSON.stringify(source)}`, () => {
      assert.deepEqual(longFunctions(`\n${source}`, 3), [{ line: 2, length: 4 }])
      assert.deepEqual(longFunctions(source, 4), [])
    })
  }
})

describe('four lines that are no function', () => {
  const others = [
    `if (a) {${LINES}}`,
    `for await (const a of b) {${LINES}}`,
    `switch (a()) {${LINES}}`,
    `class A {${LINES}}`,
    `function f(): string {}\nclass A {${LINES}}`,
    `const a = {${LINES}}`,
    `interface A {${LINES}}`,
    `try {${LINES}}`,
    `/* function f() {${LINES}} */`,
  ]

  for (const source of others) {
    test(`are not taken for one in ${JSON.stringify(source)}`, () => {
      assert.deepEqual(longFunctions(source, 3), [])
    })
  }
})
