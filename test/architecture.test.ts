/**
 * Who may import whom, how large things may be, and that documents lead somewhere.
 *
 * A folder may use the folders listed beside it and nothing else of `src/`. If a test here stands in
 * your way, do not widen a row or a budget: move the code, or pass what it needs as an argument. Only
 * `compose.ts` knows every class, because it puts the parts together.
 */

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, test } from 'node:test'

import { longFunctions } from './support/function-lengths.ts'

const EDGE = ['*']

const MAY_USE: Record<string, readonly string[]> = {
  core: [],
  pgoutput: ['core'],
  postgres: ['core'],
  // The lake by contract: its types, whose values are handed over.
  capture: ['core', 'pgoutput', 'postgres', 'type lake'],
  storage: ['core'],
  lake: ['core', 'storage'],
  apply: ['core', 'lake', 'storage'],
  targets: ['core', 'postgres', 'storage'],
  consume: ['core', 'lake', 'storage', 'apply', 'targets'],
  task: ['core'],
  dms: ['core', 'config'],
  config: ['core'],
  observe: ['core', 'task'],
  server: ['core', 'task', 'observe'],
  cli: EDGE,
  demo: ['core', 'postgres'],
  'compose.ts': EDGE,
  'compose-stores.ts': EDGE,
  'compose-targets.ts': EDGE,
  'index.ts': EDGE,
  'system-clock.ts': ['core'],
}

/** Node's modules and packages that a folder may use, beside types; folders not listed are free. */
const NO_PACKAGES = new Set(['core', 'pgoutput'])

const NOT_OURS = new Set(['node_modules', 'build', 'dist', '.git', 'millrace-demo', 'fixtures'])

const MAX_FILE_LINES = 300
const MAX_FUNCTION_LINES = 50

const IMPORT = /^(?:import|export)\s(type\s)?(?:[^'"]*?\sfrom\s)?'([^']+)'|\bimport\('([^']+)'\)/gm

describe('the tree', () => {
  const sources = filesUnder('src', ['.ts'])
  const everySource = [...sources, ...filesUnder('dashboard/src', ['.ts', '.tsx'])]

  test('has folders that import only what they may', () => {
    const trespasses: string[] = []
    for (const file of sources) {
      const from = folderOf(file)
      const allowed = MAY_USE[from]
      if (allowed === undefined) trespasses.push(`${file}: ${from} has no row in the table`)
      for (const { specifier, isType } of importsOf(file)) {
        if (!specifier.startsWith('.')) continue
        const to = folderOf(relative('.', resolve(dirname(file), specifier)))
        const grants = ['*', to, ...(isType ? [`type ${to}`] : [])]
        const isAllowed = from === to || allowed?.some((name) => grants.includes(name))
        if (!isAllowed) trespasses.push(`${file} imports ${to}`)
      }
    }
    assert.deepEqual(trespasses, [])
  })

  test('has a core that uses nothing of Node and no package', () => {
    const used = sources
      .filter((file) => NO_PACKAGES.has(folderOf(file)))
      .flatMap((file) => importsOf(file).map(({ specifier }) => `${file} imports ${specifier}`))
      .filter((line) => !/ imports \./.test(line))
    assert.deepEqual(used, [])
  })

  test(`has no source file of more than ${MAX_FILE_LINES} lines`, () => {
    const long = everySource
      .map((file) => ({ file, lines: readFileSync(file, 'utf8').trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MAX_FILE_LINES)
      .map(({ file, lines }) => `${file}: ${lines}`)
    assert.deepEqual(long, [])
  })

  test(`has no function of more than ${MAX_FUNCTION_LINES} lines`, () => {
    const long = everySource.flatMap((file) =>
      longFunctions(readFileSync(file, 'utf8'), MAX_FUNCTION_LINES).map(
        ({ line, length }) => `${file}:${line}: ${length}`,
      ),
    )
    assert.deepEqual(long, [])
  })

  test('begins every source file with a comment that says what it is', () => {
    assert.deepEqual(
      everySource.filter(
        (file) =>
          !readFileSync(file, 'utf8')
            .replace(/^#!.*\n/, '')
            .startsWith('/**'),
      ),
      [],
    )
  })

  test('has nothing left to do in a comment', () => {
    // Written in two parts, or this file would find itself.
    const unfinished = new RegExp(['TO', 'DO|FIX', 'ME|X', 'XX'].join(''))
    const all = [
      ...everySource,
      ...filesUnder('test', ['.ts']),
      ...filesUnder('scripts', ['.mjs', '.ts']),
    ]
    assert.deepEqual(
      all.filter((file) => unfinished.test(readFileSync(file, 'utf8'))),
      [],
    )
  })

  test('has documents whose relative links lead somewhere', () => {
    const dead: string[] = []
    for (const file of filesUnder('.', ['.md'])) {
      for (const target of linksOf(readFileSync(file, 'utf8'))) {
        const path = decodeURIComponent(target.split('#', 1)[0]!)
        if (path !== '' && !existsSync(resolve(dirname(file), path)))
          dead.push(`${file}: ${target}`)
      }
    }
    assert.deepEqual(dead, [])
  })
})

function filesUnder(folder: string, endings: readonly string[]): string[] {
  if (!existsSync(folder)) return []
  const files: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory() && !NOT_OURS.has(entry.name)) files.push(...filesUnder(path, endings))
    else if (entry.isFile() && endings.some((ending) => path.endsWith(ending))) files.push(path)
  }
  return files.toSorted()
}

/** The folder of `src/` that a path is in, or the file's name if it lies in `src/` itself. */
function folderOf(path: string): string {
  return path.split(sep)[1]!
}

interface Import {
  readonly specifier: string
  readonly isType: boolean
}

function importsOf(file: string): Import[] {
  const found = readFileSync(file, 'utf8').matchAll(IMPORT)
  return [...found].map(([, type, fixed, dynamic]) => ({
    specifier: fixed ?? dynamic!,
    isType: type !== undefined,
  }))
}

/** Targets of inline links outside of code, but for those of other places. */
function linksOf(markdown: string): string[] {
  const prose = markdown.replaceAll(/^(```|~~~)[\s\S]*?^\1/gm, '').replaceAll(/`[^`\n]*`/g, '')
  return [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)]
    .map(([, target]) => target!)
    .filter((target) => !/^[a-z][a-z0-9+.-]*:/i.test(target))
}
