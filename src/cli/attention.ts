/** Whether a task works, but an operator should look: the exit code 3. */

import type { TaskView } from '../task/view.ts'

export function needsAttention(view: TaskView): boolean {
  if (view.state === 'failed' || view.error !== null || view.capture.error !== null) return true
  return (
    view.capture.warnings.length > 0 ||
    view.targets.some(
      ({ state, error, stragglers }) =>
        state === 'failed' || error !== null || stragglers.some((one) => one.error !== null),
    ) ||
    view.tables.some(({ state, error }) => state === 'Table error' || error !== null)
  )
}
