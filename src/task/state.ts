/**
 * The life of a task, as a table; and the sentence that tells a person where it is.
 *
 *   starting ──started──► running ──stop──► stopping ──ended──► stopped
 *       │                    │                  │                  │
 *       └────────────────────┴──────failed──────┘                  │ start
 *                            ▼                                     ▼
 *                          failed ───────────start────────────► starting
 *
 * Every state answers every event, and the type checker sees to it. `null` means "cannot happen
 * here", and whoever drives the task treats it as a bug. States and sentences are those of DMS, so
 * that its users feel at home.
 */

export type TaskState = 'starting' | 'running' | 'stopping' | 'stopped' | 'failed'

export type TaskTransition =
  | 'start' // an operator wants it to run
  | 'started' // every part is up
  | 'stop' // an operator, or the end of `--until-caught-up`, wants it to end
  | 'ended' // every part has ended
  | 'failed' // a part met an error that only an operator can mend

const NEXT: Record<TaskState, Record<TaskTransition, TaskState | null>> = {
  starting: {
    start: null,
    started: 'running',
    stop: 'stopping',
    ended: 'stopped',
    failed: 'failed',
  },
  running: {
    start: null,
    started: null,
    stop: 'stopping',
    ended: 'stopped',
    failed: 'failed',
  },
  stopping: {
    start: null,
    started: 'stopping', // the last part came up while the others were told to stop
    stop: 'stopping',
    ended: 'stopped',
    failed: 'failed',
  },
  stopped: {
    start: 'starting',
    started: null,
    stop: 'stopped',
    ended: 'stopped',
    failed: null,
  },
  failed: {
    start: 'starting',
    started: null,
    stop: 'failed',
    ended: 'failed', // the other parts end after the one that failed
    failed: 'failed',
  },
}

export function nextTaskState(state: TaskState, transition: TaskTransition): TaskState | null {
  return NEXT[state][transition]
}

/** What a running task is busy with. */
export type TaskPhase =
  | 'loading' // a full load is not in the lake, or not in every target
  | 'loaded' // the full load was all there was to do: `load: full-load`
  | 'replicating' // changes only, the full load is done
  | 'following' // changes only, there never was a load: `load: cdc`
  | 'retrying' // the source is away

const RUNNING: Record<TaskPhase, string> = {
  loading: 'Full load in progress, replication ongoing',
  loaded: 'Load complete',
  replicating: 'Load complete, replication ongoing',
  following: 'Replication ongoing',
  retrying: 'Replication interrupted, trying again',
}

/** The sentence for people. `hasErrors`: a table or a target needs attention while the rest goes on. */
export function taskSentence(state: TaskState, phase: TaskPhase, hasErrors: boolean): string {
  if (state === 'running') return hasErrors ? `${RUNNING[phase]}, with errors` : RUNNING[phase]
  if (state === 'stopped' && phase === 'loaded') return 'Load complete, stopped'
  return NOT_RUNNING[state]
}

const NOT_RUNNING: Record<Exclude<TaskState, 'running'>, string> = {
  starting: 'Starting',
  stopping: 'Stopping',
  stopped: 'Stopped',
  failed: 'Failed',
}
