/**
 * A line chart over time that follows the history, drawn by uPlot.
 *
 * Its legend is ours: it shows the newest values, or those under the pointer. Colours are custom
 * properties of the style sheet, so that the chart follows the light and dark schemes.
 */

import { useEffect, useRef, useState } from 'preact/hooks'
import uPlot from 'uplot'

import { withoutZeros } from './format.ts'

export interface ChartSeries {
  readonly label: string
  /** Name of a custom property, `--line-1`. */
  readonly colour: string
  readonly values: readonly (number | null)[]
}

export interface ChartProps {
  readonly title: string
  readonly unit: string
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly series: readonly ChartSeries[]
  readonly format: (value: number) => string
  /** The least height of the scale: noise near zero should look like noise near zero. */
  readonly leastMax: number
  /** Distances that the lines of the grid may have, so that minutes stand at whole minutes. */
  readonly steps?: readonly number[]
}

const HEIGHT = 176
/** The chart is at least a minute wide, so that the first points do not look like many minutes. */
const LEAST_SECONDS = 60
const DARK = matchMedia('(prefers-color-scheme: dark)')

export function Chart(props: ChartProps) {
  const { title, unit, times, series, format } = props
  const [cursor, setCursor] = useState<number | null>(null)
  const box = usePlot(props, setCursor)
  const shown = cursor ?? times.length - 1
  const legend = series.map(({ label, colour, values }) => {
    const value = values[shown] ?? null
    return { label, colour, text: value === null ? '–' : format(value) }
  })
  const spoken = legend.map(({ label, text }) => `${label} ${text}`).join(', ')
  return (
    <figure class="card chart" data-points={times.length}>
      <figcaption>
        <h2>
          {title} <span class="unit">{unit}</span>
        </h2>
        <ul class="legend">
          {legend.map(({ label, colour, text }) => (
            <li key={label}>
              <span class="swatch" style={{ background: `var(${colour})` }} aria-hidden="true" />
              {label} <b>{text}</b>
            </li>
          ))}
        </ul>
      </figcaption>
      <div class="plot" ref={box} role="img" aria-label={`${title}: ${spoken}`} />
    </figure>
  )
}

/** Keeps a plot in the box that is returned: the newest data, the width of the box, the colours of the scheme. */
function usePlot(props: ChartProps, onCursor: (index: number | null) => void) {
  const { times, series } = props
  const box = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | null>(null)
  const names = series.map(({ label }) => label).join('\n')

  useEffect(() => {
    const element = box.current
    if (element === null) return undefined
    const draw = (): void => {
      plot.current?.destroy()
      plot.current = new uPlot(options(props, element, onCursor), dataOf(props), element)
    }
    draw()
    const resized = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT })
    })
    resized.observe(element)
    DARK.addEventListener('change', draw)
    return () => {
      DARK.removeEventListener('change', draw)
      resized.disconnect()
      plot.current?.destroy()
      plot.current = null
    }
  }, [names])

  useEffect(() => {
    plot.current?.setData(dataOf(props))
  }, [times, series])
  return box
}

function dataOf({ times, series }: ChartProps): uPlot.AlignedData {
  return [[...times], ...series.map(({ values }) => [...values])]
}

type ColourOf = (property: string) => string

function options(
  { series, format, leastMax, steps }: ChartProps,
  element: HTMLElement,
  onCursor: (index: number | null) => void,
): uPlot.Options {
  const style = getComputedStyle(element)
  const colour: ColourOf = (property) => style.getPropertyValue(property).trim()
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [10, 8, 0, 0],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: {
      x: { range: (_, min, max) => [Math.min(min, max - LEAST_SECONDS), max] },
      y: { range: (_, _min, max) => [0, Math.max(leastMax, (max ?? 0) * 1.15)] },
    },
    axes: axes({ format, steps }, colour),
    series: [{}, ...series.map((line) => stroke(line, colour, series.length === 1))],
    hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
  }
}

function axes(
  { format, steps }: Pick<ChartProps, 'format'> & { steps: ChartProps['steps'] | undefined },
  colour: ColourOf,
): uPlot.Axis[] {
  const axis: uPlot.Axis = {
    stroke: colour('--ink-3'),
    font: `11px ${colour('--sans')}`,
    ticks: { show: false },
  }
  return [
    {
      ...axis,
      grid: { show: false },
      size: 28,
      space: 70,
      values: (_, ticks) => ticks.map(timeOfTick),
    },
    {
      ...axis,
      grid: { stroke: colour('--hairline'), width: 1 },
      size: 58,
      space: 36,
      ...(steps === undefined ? {} : { incrs: [...steps] }),
      values: (_, ticks) => ticks.map((tick) => withoutZeros(format(tick))),
    },
  ]
}

function stroke(line: ChartSeries, colour: ColourOf, isFilled: boolean): uPlot.Series {
  return {
    label: line.label,
    stroke: colour(line.colour),
    width: 2,
    points: { show: false },
    ...(isFilled ? { fill: colour(`${line.colour}-fill`) } : {}),
  }
}

function timeOfTick(seconds: number): string {
  const date = new Date(seconds * 1000)
  return date.toTimeString().slice(0, date.getSeconds() === 0 ? 5 : 8)
}
