/** `version`: which version this is, and of what it depends on at run time. */

import { command, JSON_FLAG } from '../command.ts'
import { readVersion } from '../version.ts'

export const versionCommand = command({
  name: 'version',
  summary: 'Show the version',
  flags: { json: JSON_FLAG },
  arguments: {},

  async run({ json }, { stdout }) {
    const version = readVersion()
    const { platform, arch } = process
    const node = process.versions.node
    stdout.write(
      json
        ? `${JSON.stringify({ version, node, platform, arch })}\n`
        : `millrace ${version} (Node ${node}, ${platform} ${arch})\n`,
    )
    return 0
  },
})
