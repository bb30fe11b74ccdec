/** The page: what the task does, in one sentence; then how the water runs; then every detail. */

import { Banners } from './banners.tsx'
import { LagChart, ThroughputChart } from './charts.tsx'
import { Flow } from './flow.tsx'
import { Hero } from './hero.tsx'
import { LogLines } from './log-lines.tsx'
import { connection, view } from './store.ts'
import { Tables } from './tables.tsx'
import { Targets } from './targets.tsx'
import { TokenPrompt } from './token-prompt.tsx'

export function App() {
  const task = view.value
  if (connection.value === 'locked') return <TokenPrompt />
  if (task === null) return <Waiting />
  return (
    <main class={connection.value === 'lost' ? 'page is-stale' : 'page'}>
      <Hero task={task} />
      <Banners task={task} />
      <Flow task={task} />
      <div class="charts">
        <ThroughputChart />
        <LagChart />
      </div>
      <Targets task={task} />
      <Tables task={task} />
      <LogLines />
    </main>
  )
}

function Waiting() {
  return (
    <main class="page waiting">
      <p role="status">
        {connection.value === 'lost'
          ? 'No answer from the task; asking again every second.'
          : 'Asking the task how it is …'}
      </p>
    </main>
  )
}
