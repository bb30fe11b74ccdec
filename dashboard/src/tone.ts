/** What colour a state has. Colour never says anything that a word beside it does not. */

import type {
  CaptureView,
  LogLevel,
  TableState,
  TargetView,
  TaskView,
} from '../../src/task/view.ts'

export type Tone = 'good' | 'busy' | 'warn' | 'bad' | 'quiet'

export function toneOfTask(task: TaskView): Tone {
  return task.state === 'running' ? toneOfRunning(task) : TASK_TONE[task.state]
}

function toneOfRunning({ sentence, capture, tables }: TaskView): Tone {
  if (capture.state === 'retrying' || sentence.endsWith('with errors')) return 'warn'
  const isLoading = tables.some(({ state }) => state === 'Full load')
  return capture.state === 'streaming' && !isLoading ? 'good' : 'busy'
}

const TASK_TONE: Record<Exclude<TaskView['state'], 'running'>, Tone> = {
  starting: 'busy',
  stopping: 'quiet',
  stopped: 'quiet',
  failed: 'bad',
}

export const CAPTURE_TONE: Record<CaptureView['state'], Tone> = {
  starting: 'busy',
  loading: 'busy',
  streaming: 'good',
  retrying: 'warn',
  stopped: 'quiet',
}

export const TARGET_TONE: Record<TargetView['state'], Tone> = {
  starting: 'busy',
  running: 'good',
  retrying: 'warn',
  stopped: 'quiet',
  failed: 'bad',
}

export const TABLE_TONE: Record<TableState, Tone> = {
  'Before load': 'quiet',
  'Full load': 'busy',
  'Table completed': 'good',
  'Table is being reloaded': 'busy',
  'Table error': 'bad',
}

export const LEVEL_TONE: Record<LogLevel, Tone> = {
  debug: 'quiet',
  info: 'quiet',
  warn: 'warn',
  error: 'bad',
}
