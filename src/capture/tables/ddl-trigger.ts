/**
 * The optional event trigger at the source that says what ALTER TABLE did to rows, and what was dropped.
 *
 * It writes a message into the WAL, within the transaction of the statement: one that is rolled back
 * has said nothing. Installed by a superuser, it runs for everybody with his rights, and whatever goes
 * wrong in it is only written to the server's log: nobody's DDL fails because of us.
 *
 * A type that is changed without USING is left to those who compare shapes: of the types that they
 * follow, the values stay. The trigger sees the text of what the client has sent, not the statement;
 * so only an ALTER TABLE that was sent alone is known to have no USING.
 *
 * https://www.postgresql.org/docs/current/event-triggers.html
 * https://www.postgresql.org/docs/current/functions-event-triggers.html
 */

/** Of our messages; those of others are not ours to read. */
export const DDL_PREFIX = 'millrace'

/** pgoutput sends messages since 14. */
export const MESSAGES_SINCE = 140_000

const NAMES = ['millrace_sql_drop', 'millrace_table_rewrite'] as const

/** Whether messages will come: a query of one boolean, `installed`. */
export const HAS_DDL_TRIGGER = `
  (select count(*) = ${NAMES.length} from pg_catalog.pg_event_trigger
    where evtenabled in ('O', 'A') and evtname in (${NAMES.map((name) => `'${name}'`).join(', ')}))`

/**
 * Reasons of a rewrite: 4, a column has another type; 2, a column has a default that is computed for
 * each row. Of the second kind, `last` tells whether that is a column which the log does not have
 * yet; it may also be a generated one, which is not replicated. No other reason changes a value.
 */
export const DDL_TRIGGER_SQL = `\
-- Millrace: tells capture what ALTER TABLE did to rows, and which tables were dropped.
-- Run it as a superuser (RDS: rds_superuser) in the database of the source; again is no harm.
-- To remove it:
${NAMES.map((name) => `--   DROP EVENT TRIGGER IF EXISTS ${name};`).join('\n')}
--   DROP FUNCTION IF EXISTS millrace.tell_ddl();
--   DROP SCHEMA IF EXISTS millrace;

BEGIN;

CREATE SCHEMA IF NOT EXISTS millrace;

CREATE OR REPLACE FUNCTION millrace.tell_ddl() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog
AS $millrace$
DECLARE
  told json;
  rewritten oid;
  reason int;
BEGIN
  IF tg_event = 'sql_drop' THEN
    SELECT json_build_object('do', 'drop', 'tables', json_agg(objid::int8)) INTO told
      FROM pg_event_trigger_dropped_objects()
     WHERE object_type = 'table' AND objsubid = 0 AND NOT is_temporary
    HAVING count(*) > 0;
  ELSE
    reason := pg_event_trigger_table_rewrite_reason();
    IF reason = 4 AND current_query() ~* '^\\s*alter\\s+table\\M'
       AND current_query() !~* '\\musing\\M' AND current_query() !~ ';\\s*\\S' THEN
      reason := 0;
    END IF;
    SELECT coalesce(pg_partition_root(oid), oid) INTO rewritten
      FROM pg_class
     WHERE oid = pg_event_trigger_table_rewrite_oid() AND relpersistence = 'p' AND reason & 6 > 0;
    SELECT json_build_object('do', 'rewrite', 'table', rewritten::int8,
             'last', CASE WHEN reason & 4 = 0 THEN max(attnum) END) INTO told
      FROM pg_attribute
     WHERE attrelid = rewritten AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
    HAVING rewritten IS NOT NULL;
  END IF;
  IF told IS NOT NULL THEN
    PERFORM pg_logical_emit_message(true, '${DDL_PREFIX}', told::text);
  END IF;
EXCEPTION WHEN OTHERS THEN
  RAISE LOG 'millrace.tell_ddl: %', sqlerrm;
END
$millrace$;

DROP EVENT TRIGGER IF EXISTS millrace_sql_drop;
CREATE EVENT TRIGGER millrace_sql_drop ON sql_drop
  EXECUTE FUNCTION millrace.tell_ddl();
DROP EVENT TRIGGER IF EXISTS millrace_table_rewrite;
CREATE EVENT TRIGGER millrace_table_rewrite ON table_rewrite
  EXECUTE FUNCTION millrace.tell_ddl();

COMMIT;
`
