/** All commands, in the order in which the help shows them. */

import type { Command } from './command.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { initCommand } from './commands/init.ts'
import { lakeCatCommand } from './commands/lake-cat.ts'
import { lakeLsCommand } from './commands/lake-ls.ts'
import { resyncCommand } from './commands/resync.ts'
import { runCommand } from './commands/run.ts'
import { statusCommand } from './commands/status.ts'
import { tablesCommand } from './commands/tables.ts'
import { versionCommand } from './commands/version.ts'

export const COMMANDS: readonly Command[] = [
  initCommand,
  doctorCommand,
  runCommand,
  statusCommand,
  tablesCommand,
  resyncCommand,
  lakeLsCommand,
  lakeCatCommand,
  demoCommand,
  versionCommand,
]
