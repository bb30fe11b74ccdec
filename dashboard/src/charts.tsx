/** The two charts: how much comes, and how late it is. */

import { computed } from '@preact/signals'

import { Chart, type ChartSeries } from './chart.tsx'
import { duration, short } from './format.ts'
import { history } from './store.ts'

const times = computed(() => history.value.map(({ at }) => at / 1000))

const throughput = computed((): ChartSeries[] => [
  {
    label: 'from the source',
    colour: '--line-1',
    values: history.value.map(({ rowsPerSecond }) => rowsPerSecond),
  },
])

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const LAG_STEPS = [
  [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30],
  [1, 2, 5, 10, 20, 30].map((minutes) => minutes * MINUTE),
  [1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  [1, 2, 5, 10, 20, 50, 100].map((days) => days * DAY),
].flat()

const COLOURS = ['--line-2', '--line-3', '--line-4', '--line-5', '--line-6']

const lag = computed((): ChartSeries[] => {
  const points = history.value
  const names = Object.keys(points.at(-1)?.targets ?? {})
  return [
    {
      label: 'lake',
      colour: '--line-1',
      values: points.map(({ captureLagSeconds }) => captureLagSeconds),
    },
    ...names.map((name, i) => ({
      label: name,
      colour: COLOURS[i % COLOURS.length] ?? '--line-2',
      values: points.map(({ targets }) => targets[name] ?? null),
    })),
  ]
})

export function ThroughputChart() {
  return (
    <Chart
      title="Throughput"
      unit="rows a second"
      times={times.value}
      series={throughput.value}
      format={short}
      leastMax={10}
    />
  )
}

export function LagChart() {
  return (
    <Chart
      title="Lag"
      unit="of changes"
      times={times.value}
      series={lag.value}
      format={duration}
      leastMax={1}
      steps={LAG_STEPS}
    />
  )
}
