/** The machine of a run, in one line: no result means anything without it. */

import { cpus, release, totalmem } from 'node:os'

export function describeMachine(postgres: string): string {
  const models = new Set(cpus().map(({ model }) => model.trim()))
  const gib = Math.round(totalmem() / 1024 ** 3)
  return [
    new Date().toISOString().slice(0, 10),
    `${cpus().length} cores, ${[...models].join(' and ')}, ${gib} GiB`,
    `${process.platform} ${release().split('-')[0]}`,
    `Node ${process.versions.node}`,
    `PostgreSQL ${postgres}`,
  ].join('; ')
}
