/** docs/metrics.md, from the table of metrics. */

import { BUCKETS, type MetricEntry, METRICS } from '../../src/observe/metric-table.ts'
import { code, page, prose, table } from './markdown.ts'

export function metricsPage(): string {
  const intro =
    'Served at `/metrics` in the text format of Prometheus, by the address in `server.listen`. ' +
    'Counters begin at zero with the process.'
  const rows = Object.entries<MetricEntry>(METRICS).map(([name, { type, labels, help }]) => [
    code(name),
    type,
    labels.map(code).join(', '),
    prose(help),
  ])
  const buckets = `Histograms have the buckets ${BUCKETS.map((bound) => code(String(bound))).join(', ')} seconds.`
  return page('Metrics', [intro, table(['Metric', 'Type', 'Labels', 'Meaning'], rows), buckets])
}
