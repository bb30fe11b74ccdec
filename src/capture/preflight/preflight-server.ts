/** Whether the server and our user are ready for logical replication. */

import { quoteIdentifier, quoteLiteral } from '../../postgres/quote.ts'
import { MESSAGES_SINCE } from '../tables/ddl-trigger.ts'
import { error, warning, type Check, type Finding } from './finding.ts'
import type { ServerFacts, SourceFacts, Wanted } from './preflight-facts.ts'

/** Server versions that we support: https://www.postgresql.org/support/versioning/ */
const OLDEST = 130_000
/** Logical decoding on a standby. */
const STANDBY_SINCE = 160_000
const FAILOVER_SINCE = 170_000

const GIB = 1024 ** 3
/** With less than this, an interruption of some hours loses the slot of a busy server. */
const SMALL_KEEP_BYTES = 10 * GIB
const HOUR_MS = 3_600_000

export function serverChecks({ server, slot }: SourceFacts, wanted: Wanted): Check[] {
  return [
    version(server),
    walLevel(server),
    replicationRight(server),
    slots(server, slot !== null),
    senders(server),
    keptWal(server),
    timeouts(server),
    ...(server.isStandby ? [standby(server)] : []),
    ...(wanted.failover ? [failover(server, wanted)] : []),
    ddlTrigger(server),
  ]
}

/** It is optional, so there is nothing to warn of. */
function ddlTrigger({ version: number, hasDdlTrigger }: ServerFacts): Check {
  if (number < MESSAGES_SINCE) {
    return { about: 'the DDL trigger has no effect before PostgreSQL 14', findings: [] }
  }
  const none = 'there is no DDL trigger, which is optional: millrace doctor --ddl-trigger'
  return { about: hasDdlTrigger ? 'the DDL trigger is installed' : none, findings: [] }
}

function version({ version: number, versionText }: ServerFacts): Check {
  const message = `the server is PostgreSQL ${versionText}, and 13 is the oldest that can be read`
  const cure = 'upgrade the server: publications of partitioned tables need 13'
  const findings = number < OLDEST ? [error('SERVER_UNSUPPORTED', message, cure)] : []
  return { about: `PostgreSQL ${versionText}`, findings }
}

function walLevel(server: ServerFacts): Check {
  const findings: Finding[] = []
  if (server.walLevel !== 'logical') {
    const message = `wal_level of the source is "${server.walLevel}"; "logical" is needed`
    const cure = server.isRds
      ? `${inParameterGroup('rds.logical_replication', '1')}, then reboot it`
      : restarted('wal_level', 'logical')
    findings.push(error('WAL_LEVEL', message, cure))
  }
  return { about: 'wal_level is logical', findings }
}

function replicationRight({ user, mayReplicate, isRds }: ServerFacts): Check {
  const findings: Finding[] = []
  if (!mayReplicate) {
    const name = quoteIdentifier(user)
    const sql = isRds ? `GRANT rds_replication TO ${name}` : `ALTER ROLE ${name} REPLICATION`
    const message = `the user ${user} may not use replication slots`
    findings.push(error('NO_REPLICATION_RIGHT', message, `run: ${sql}`))
  }
  return { about: `the user ${user} may use replication slots`, findings }
}

/** One for the task, and one for a while whenever a table is loaded later. */
function slots(server: ServerFacts, isOursThere: boolean): Check {
  const { max, used } = server.slots
  const free = max - used
  const needed = isOursThere ? 1 : 2
  const findings: Finding[] = []
  if (free < needed) {
    const cure = setting(server, 'max_replication_slots', String(used + needed))
    const orDrop =
      'or drop a slot that nobody uses: SELECT slot_name, active FROM pg_replication_slots'
    if (!isOursThere && free < 1) {
      const message = `all replication slots are in use: max_replication_slots is ${max}`
      findings.push(error('NO_FREE_SLOT', message, `${cure}; ${orDrop}`))
    } else {
      const message = `no replication slot is left for the load of a table that is added later`
      findings.push(warning(message, `${cure}; ${orDrop}`))
    }
  }
  return { about: `${free} of ${max} replication slots are free`, findings }
}

/** One for the stream, and one for a while whenever a table is loaded. */
function senders(server: ServerFacts): Check {
  const { max, used } = server.senders
  const free = max - used
  const findings: Finding[] = []
  if (free < 2) {
    const cure = setting(server, 'max_wal_senders', String(used + 2))
    const few = `${used} of the ${max} WAL senders of the server are busy, and we need up to 2`
    findings.push(free < 1 ? error('NO_FREE_SENDER', few, cure) : warning(few, cure))
  }
  return { about: `${free} of ${max} WAL senders are free`, findings }
}

function keptWal(server: ServerFacts): Check {
  const { keepBytes } = server
  if (keepBytes === null) {
    return { about: 'the server keeps WAL for a slot without limit', findings: [] }
  }
  const size = sizeText(keepBytes)
  const findings: Finding[] = []
  if (keepBytes < SMALL_KEEP_BYTES) {
    const message = `max_slot_wal_keep_size is ${size}: an interruption during which the server writes more WAL loses the slot, and all tables must be loaded again`
    const cure = reloaded(server, 'max_slot_wal_keep_size', '50GB')
    findings.push(warning(message, `${cure}; source.walBudget limits our own slot alone`))
  }
  return { about: `the server keeps up to ${size} of WAL for a slot`, findings }
}

function timeouts(server: ServerFacts): Check {
  const { idleTimeoutMs, senderTimeoutMs } = server
  const findings: Finding[] = []
  if (idleTimeoutMs > 0 && idleTimeoutMs < 24 * HOUR_MS) {
    const hours = (idleTimeoutMs / HOUR_MS).toLocaleString('en', { maximumFractionDigits: 1 })
    const message = `idle_replication_slot_timeout is ${hours} h: a stop of the task that lasts longer loses the slot`
    findings.push(warning(message, reloaded(server, 'idle_replication_slot_timeout', '7d')))
  }
  if (senderTimeoutMs === 0) {
    const message =
      'wal_sender_timeout is 0: neither side notices that the other has gone without a word, and the slot stays in use'
    findings.push(warning(message, reloaded(server, 'wal_sender_timeout', '60s')))
  }
  return { about: 'no time limit of the server is in the way', findings }
}

function standby(server: ServerFacts): Check {
  const findings: Finding[] = []
  if (server.version < STANDBY_SINCE) {
    const message = `the server is a standby, and PostgreSQL ${server.versionText} has logical replication only on the primary`
    findings.push(error('SOURCE_IS_STANDBY', message))
  } else {
    const message =
      'the server is a standby: a slot there is not copied anywhere, and making one waits for activity of the primary'
    findings.push(
      warning(message, 'to end such a wait, run on the primary: SELECT pg_log_standby_snapshot()'),
    )
    if (!server.hasStandbyFeedback) {
      const without =
        'hot_standby_feedback is off: the primary removes rows of its catalog that the slot needs, and the slot is lost'
      findings.push(warning(without, reloaded(server, 'hot_standby_feedback', 'on')))
    }
  }
  return { about: 'the server is a standby', findings }
}

function failover(server: ServerFacts, { slot }: Wanted): Check {
  const findings: Finding[] = []
  if (server.version < FAILOVER_SINCE) {
    const message = `source.failover is set, and PostgreSQL ${server.versionText} has no failover slots: 17 has`
    const cure = 'upgrade the server, or remove source.failover'
    findings.push(error('SERVER_UNSUPPORTED', message, cure))
  } else if (!server.standbySlots) {
    const message =
      'synchronized_standby_slots is empty: we may be sent changes that no standby has yet, and after a failover the lake would be ahead of the source'
    const cure = reloaded(server, 'synchronized_standby_slots', '<physical slot of the standby>')
    findings.push(warning(message, cure))
  }
  return { about: `standbys may keep a copy of the slot ${slot}`, findings }
}

function setting(server: ServerFacts, name: string, value: string): string {
  return server.isRds ? `${inParameterGroup(name, value)}, then reboot it` : restarted(name, value)
}

function restarted(name: string, value: string): string {
  return `run: ALTER SYSTEM SET ${name} = ${quoteLiteral(value)}; then restart the server`
}

function reloaded({ isRds }: ServerFacts, name: string, value: string): string {
  if (isRds) return inParameterGroup(name, value)
  return `run: ALTER SYSTEM SET ${name} = ${quoteLiteral(value)}; SELECT pg_reload_conf()`
}

function inParameterGroup(name: string, value: string): string {
  return `set ${name} = ${value} in the parameter group of the instance (Aurora: of the cluster)`
}

function sizeText(bytes: number): string {
  return bytes >= GIB ? `${Math.round(bytes / GIB)} GiB` : `${Math.round(bytes / 1024 ** 2)} MiB`
}
