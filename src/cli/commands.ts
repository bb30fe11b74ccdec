/** All commands, in the order in which the help shows them. */

import type { Command } from './command.ts'
import { demoCommand } from './commands/demo.ts'
import { doctorCommand } from './commands/doctor.ts'
import { initCommand } from './commands/init.ts'
import { lakeCatCommand } from './commands/lake-cat.ts'
import { lakeCheckCommand } from './commands/lake-check.ts'
import { lakeDdlCommand } from './commands/lake-ddl.ts'
import { lakeGlueCommand } from './commands/lake-glue.ts'
import { lakeLsCommand } from './commands/lake-ls.ts'
import { lakeSweepCommand } from './commands/lake-sweep.ts'
import { moveCommand } from './commands/move.ts'
import { resumeCommand } from './commands/resume.ts'
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
  resumeCommand,
  moveCommand,
  lakeLsCommand,
  lakeCatCommand,
  lakeCheckCommand,
  lakeDdlCommand,
  lakeGlueCommand,
  lakeSweepCommand,
  demoCommand,
  versionCommand,
]
