/**
 * The table of metrics: docs/metrics.md is generated from it, and nothing else makes a metric.
 *
 * Names and units follow https://prometheus.io/docs/practices/naming/: seconds and bytes, `_total` for
 * what only grows. Counters begin at zero with the process.
 */

export interface MetricEntry {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  readonly labels: readonly string[]
}

/** Upper bounds of the buckets of every histogram, in seconds. */
export const BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

export const METRICS = {
  millrace_task_state: {
    type: 'gauge',
    help: '1 for the state that the task has, 0 for the others.',
    labels: ['state'],
  },
  millrace_start_timestamp_seconds: {
    type: 'gauge',
    help: 'When the task started, in seconds since 1970.',
    labels: [],
  },
  millrace_errors_total: {
    type: 'counter',
    help: 'Errors of capture, targets and tables, by code: see docs/errors.md.',
    labels: ['code'],
  },

  millrace_capture_state: {
    type: 'gauge',
    help: '1 for the state that capture has, 0 for the others.',
    labels: ['state'],
  },
  millrace_capture_lag_seconds: {
    type: 'gauge',
    help: 'How old changes were when they became durable in the lake, the worst of the last ten seconds; while the source is away, the time since the last manifest.',
    labels: [],
  },
  millrace_source_lag_bytes: {
    type: 'gauge',
    help: 'WAL that the source keeps for the slot.',
    labels: [],
  },
  millrace_clock_ahead_files_total: {
    type: 'counter',
    help: 'Data files whose commit time lay more than a minute ahead of the clock of this machine, and was taken for a minute ahead in _order.',
    labels: [],
  },
  millrace_values_unfit_total: {
    type: 'counter',
    help: 'Values that Parquet or a target cannot hold, by table, column and policy: null, clamp or text. See lake.parquet.unfit and targets.*.unfit.',
    labels: ['table', 'column', 'policy'],
  },
  millrace_changes_total: {
    type: 'counter',
    help: 'Changes in the lake, by table and operation: insert, update, delete or truncate.',
    labels: ['table', 'op'],
  },

  millrace_lake_head: {
    type: 'gauge',
    help: 'Number of the newest manifest.',
    labels: [],
  },
  millrace_manifests_total: {
    type: 'counter',
    help: 'Manifests written, by kind: open, changes, heartbeat or epoch.',
    labels: ['kind'],
  },
  millrace_manifest_write_seconds: {
    type: 'histogram',
    help: 'How long a manifest and its files took to write.',
    labels: [],
  },
  millrace_manifest_latency_seconds: {
    type: 'histogram',
    help: 'From the commit of the oldest change of a manifest until it was durable.',
    labels: [],
  },
  millrace_lake_files_total: {
    type: 'counter',
    help: 'Data files written, by content: changes or load.',
    labels: ['content'],
  },
  millrace_lake_bytes_total: {
    type: 'counter',
    help: 'Bytes of data files written, by content: changes or load.',
    labels: ['content'],
  },

  millrace_lake_requests_per_day: {
    type: 'gauge',
    help: 'Requests to the lake in a day at the rate of the last minutes, by kind: put, get or list.',
    labels: ['kind'],
  },
  millrace_lake_usd_per_day: {
    type: 'gauge',
    help: 'About what these requests cost at the list prices of S3; only for a bucket of AWS.',
    labels: [],
  },

  millrace_load_rows_total: {
    type: 'counter',
    help: 'Rows of loads in the lake, by table.',
    labels: ['table'],
  },
  millrace_loads_total: {
    type: 'counter',
    help: 'Loads of tables, by result: ended or cancelled.',
    labels: ['result'],
  },
  millrace_load_seconds: {
    type: 'histogram',
    help: 'How long the load of a table took.',
    labels: [],
  },
  millrace_tables: {
    type: 'gauge',
    help: 'Tables by state, in the words of DMS.',
    labels: ['state'],
  },

  millrace_target_state: {
    type: 'gauge',
    help: '1 for the state that the target has, 0 for the others.',
    labels: ['target', 'state'],
  },
  millrace_target_manifest: {
    type: 'gauge',
    help: 'Number of the last manifest that the target took.',
    labels: ['target'],
  },
  millrace_target_behind_manifests: {
    type: 'gauge',
    help: 'Manifests with something in them that the target has not taken.',
    labels: ['target'],
  },
  millrace_target_lag_seconds: {
    type: 'gauge',
    help: 'How long the oldest change in the lake that the target lacks has been committed; changes that arrived in the last ten seconds count as late as they were. 0 when the source is idle.',
    labels: ['target'],
  },
  millrace_target_rows_total: {
    type: 'counter',
    help: 'Rows written to the target, after folding.',
    labels: ['target'],
  },
  millrace_target_changes_total: {
    type: 'counter',
    help: 'Changes of the log that the target took, before folding.',
    labels: ['target'],
  },
  millrace_target_apply_seconds: {
    type: 'histogram',
    help: 'How long the transaction of a batch took.',
    labels: ['target'],
  },
  millrace_target_stragglers: {
    type: 'gauge',
    help: 'Tables that are not where the ledger of the target is, by state.',
    labels: ['target', 'state'],
  },
} as const satisfies Record<string, MetricEntry>

export type MetricName = keyof typeof METRICS

/** Names of the metrics of one type. */
export type NameOf<T extends MetricEntry['type']> = {
  [N in MetricName]: (typeof METRICS)[N]['type'] extends T ? N : never
}[MetricName]
