/** `init`: writes a configuration with comments to begin from. It asks nothing and connects to nothing. */

import { writeFile } from 'node:fs/promises'

import { parseConfig } from '../../config/load.ts'
import { hasPassword } from '../../config/secrets.ts'
import { CodedError, hasCode } from '../../core/errors.ts'
import { command, type CommandContext, CONFIG_FLAG, JSON_FLAG } from '../command.ts'
import { configTemplate } from '../config-template.ts'

export const initCommand = command({
  name: 'init',
  summary: 'Write a configuration to begin from',
  details: 'Asks nothing, connects to nothing, and never overwrites a file.',
  flags: {
    config: { ...CONFIG_FLAG, about: 'the file to write' },
    task: { kind: 'text', value: 'name', about: 'the name of the task', default: 'shop' },
    sourceUrl: {
      kind: 'text',
      value: 'url',
      about: 'the source, best as env:NAME or file:PATH',
      default: 'env:SOURCE_URL',
    },
    lake: { kind: 'text', value: 'folder', about: 'the folder of the lake', default: './lake' },
    duckdb: {
      kind: 'text',
      value: 'file',
      about: 'the DuckDB database to keep',
      default: './warehouse.duckdb',
    },
    json: JSON_FLAG,
  },
  arguments: {},

  async run({ config: file, task, sourceUrl, lake, duckdb, json }, { stdout, env }) {
    const text = configTemplate({ task, sourceUrl, lake, duckdb })
    check(text, file, env)
    await writeNew(file, text, hasPassword(sourceUrl))
    stdout.write(json ? `${JSON.stringify({ file })}\n` : nextSteps(file, sourceUrl))
    return 0
  },
})

/** The flags become values of the configuration, so they have to be right in the same way. */
function check(text: string, file: string, env: CommandContext['env']): void {
  try {
    parseConfig(text, { file, env, optional: ['source.url'] })
  } catch (error) {
    if (!hasCode(error, 'CONFIG_INVALID')) throw error
    // The file is not there, so nobody could look at lines of it.
    const message = error.message.replaceAll(/^.*?:\d+:\d+ /gm, '')
    throw new CodedError('USAGE', message, { hint: 'see `millrace init --help`' })
  }
}

async function writeNew(file: string, text: string, isSecret: boolean): Promise<void> {
  try {
    await writeFile(file, text, { flag: 'wx', mode: isSecret ? 0o600 : 0o666 })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    if (code === null) throw error
    if (code === 'EEXIST') {
      throw new CodedError('FILE_EXISTS', `${file} is there already`, {
        hint: 'edit it, or name another file with --config',
      })
    }
    throw new CodedError('FILE_UNWRITABLE', `${file} cannot be written (${code})`)
  }
}

function nextSteps(file: string, sourceUrl: string): string {
  const [, variable] = /^env:(.+)$/.exec(sourceUrl) ?? []
  const steps = [
    `wrote ${file}`,
    ...(variable === undefined
      ? []
      : [`  export ${variable}=postgres://user:password@host:5432/database`]),
    file === CONFIG_FLAG.default ? '  millrace run' : `  millrace run --config ${file}`,
  ]
  return `${steps.join('\n')}\n`
}
