/** Which task this is, and the sentence that says how it is. */

import type { TaskView } from '../../src/task/view.ts'
import { ago } from './format.ts'
import { connection } from './store.ts'
import { toneOfTask } from './tone.ts'

export function Hero({ task }: { task: TaskView }) {
  const isLost = connection.value === 'lost'
  const tone = isLost ? 'warn' : toneOfTask(task)
  return (
    <header class="hero">
      <div class="hero-top">
        <Wordmark />
        <span class={isLost ? 'pill tone-warn' : 'pill tone-quiet'} role="status">
          {isLost ? 'Connection lost' : 'Live'}
        </span>
      </div>
      <p class="eyebrow">
        Task <strong>{task.task}</strong>
      </p>
      <h1 class={`sentence tone-${tone}`}>
        <span class="dot" aria-hidden="true" />
        <span role="status" aria-live="polite">
          {task.sentence}
        </span>
      </h1>
      <p class="sub">
        Started{' '}
        <time dateTime={new Date(task.startedAt).toISOString()}>
          {ago(task.startedAt, task.at)}
        </time>
        {task.source !== null && <> · reading {task.source}</>}
      </p>
    </header>
  )
}

function Wordmark() {
  return (
    <span class="wordmark">
      <svg viewBox="0 0 32 20" aria-hidden="true">
        <path class="faint" d="M2 5c4.7-4 9.3-4 14 0s9.3 4 14 0" />
        <path d="M2 11c4.7-4 9.3-4 14 0s9.3 4 14 0" />
        <path class="faint" d="M2 17c4.7-4 9.3-4 14 0s9.3 4 14 0" />
      </svg>
      Millrace
    </span>
  )
}
