/**
 * What the backend gets before the first session: functions that stand in for Redshift's, and views
 * of its system. They live in a schema of their own, which sessions look into behind `public`.
 */

import type { Isolation } from './sql-error.ts'

/** SQL that prepares an empty database. */
export function backendSql(isolation: Isolation, hasLargeStrings: boolean): string {
  return `${FUNCTIONS};${VIEWS};${facts(isolation, hasLargeStrings)}`
}

const FUNCTIONS = `
CREATE SCHEMA redshift_system;
SET search_path TO redshift_system;
-- Every string of a document, with the names of attributes left out.
CREATE FUNCTION is_super(document jsonb) RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
  SELECT coalesce(max(octet_length(part #>> '{}')), 0) <= 65535
    FROM jsonb_path_query(document, 'strict $.**') AS part
   WHERE jsonb_typeof(part) = 'string' $$;
CREATE FUNCTION cut(value bpchar, bytes int) RETURNS bpchar IMMUTABLE STRICT LANGUAGE plpgsql AS $$
DECLARE raw bytea := bpcharsend(value);
        size int := bytes;
BEGIN
  IF octet_length(value) <= bytes THEN RETURN value; END IF;
  -- Never within a character: bytes that continue one begin with 10.
  WHILE size > 0 AND get_byte(raw, size) & 192 = 128 LOOP size := size - 1; END LOOP;
  RETURN convert_from(substring(raw FOR size), 'UTF8');
END $$;
CREATE FUNCTION len(value bpchar) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS $$
  SELECT char_length(value) + octet_length(value) - octet_length(rtrim(value)) $$;
CREATE FUNCTION len(value bytea) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS $$
  SELECT octet_length(value) $$;
CREATE FUNCTION getdate() RETURNS timestamp STABLE LANGUAGE sql AS $$
  SELECT (now() AT TIME ZONE 'UTC')::timestamp(0) $$;
CREATE FUNCTION version() RETURNS bpchar IMMUTABLE LANGUAGE sql AS $$
  SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0 (millrace test server)'::bpchar $$;
CREATE FUNCTION to_varbyte(value bpchar, format bpchar) RETURNS bytea IMMUTABLE STRICT LANGUAGE sql AS $$
  SELECT decode(value, CASE format WHEN 'hex' THEN 'hex' WHEN 'base64' THEN 'base64' END) $$;
CREATE FUNCTION from_varbyte(value bytea, format bpchar) RETURNS bpchar IMMUTABLE STRICT LANGUAGE sql AS $$
  SELECT CASE format WHEN 'hex' THEN encode(value, 'hex') WHEN 'utf-8' THEN convert_from(value, 'UTF8') END $$;
CREATE FUNCTION to_hex(value bytea) RETURNS bpchar IMMUTABLE STRICT LANGUAGE sql AS $$
  SELECT encode(value, 'hex')::bpchar $$;
CREATE FUNCTION json_parse(value bpchar) RETURNS jsonb IMMUTABLE STRICT LANGUAGE plpgsql AS $$
BEGIN
  IF value IS JSON WITH UNIQUE KEYS THEN RETURN value::text::jsonb; END IF;
  RAISE EXCEPTION 'JSON parsing error' USING ERRCODE = 'XX000';
END $$;
CREATE FUNCTION json_parse(value bytea) RETURNS jsonb IMMUTABLE STRICT LANGUAGE sql AS $$
  SELECT redshift_system.json_parse(convert_from(value, 'UTF8')::bpchar) $$;
CREATE FUNCTION json_serialized(value jsonb) RETURNS bpchar IMMUTABLE STRICT LANGUAGE sql AS $$
  SELECT value::text::bpchar $$;
CREATE FUNCTION pg_last_copy_count(count bigint) RETURNS bigint IMMUTABLE LANGUAGE sql AS $$
  SELECT count $$`

/** A column's type, as the catalog of Redshift spells it: the name of its domain, if it has one. */
/** Not by a join with pg_type: a domain may be younger than the snapshot. */
const TYPE = `replace(replace(format_type(a.atttypid, a.atttypmod), 'redshift_system.', ''), '"', '')`

const VIEWS = `
CREATE TABLE load_errors (
  id bigint GENERATED ALWAYS AS IDENTITY, query_id bigint, table_id oid, start_time timestamp DEFAULT now(),
  file_name text, line_number bigint, column_name text, column_type text, column_length text,
  "position" int, error_code int, error_message text, raw_line text, raw_field_value text);
CREATE VIEW sys_load_error_detail AS
  SELECT query_id, table_id, start_time, file_name, line_number, column_name, column_type,
         column_length, "position", error_code, error_message, raw_line, raw_field_value, id AS session_id
    FROM load_errors;
CREATE VIEW svv_redshift_columns AS
  SELECT current_database()::text AS database_name, n.nspname::text AS schema_name,
         c.relname::text AS table_name, a.attname::text AS column_name,
         row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum)::int AS ordinal_position,
         ${TYPE} AS data_type, pg_get_expr(d.adbin, d.adrelid) AS column_default,
         CASE WHEN a.attnotnull THEN 'NO' ELSE 'YES' END AS is_nullable,
         EXISTS (SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND a.attnum = ANY (k.conkey)
                    AND k.conname LIKE 'dist of %') AS distkey,
         (SELECT count(*) FROM pg_constraint k WHERE k.conrelid = c.oid AND a.attnum = ANY (k.conkey)
                    AND k.conname LIKE 'sort of %')::int AS sortkey
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
   WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v')
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'redshift_system', 'pg_toast');
CREATE VIEW svv_columns AS
  SELECT database_name AS table_catalog, schema_name AS table_schema, table_name, column_name,
         ordinal_position, column_default, is_nullable, split_part(data_type, '(', 1) AS data_type,
         CASE WHEN data_type LIKE 'character%' THEN substring(data_type from '[0-9]+')::int END
           AS character_maximum_length,
         CASE WHEN data_type LIKE 'numeric%' THEN substring(data_type from '[0-9]+')::int END
           AS numeric_precision,
         CASE WHEN data_type LIKE 'numeric%' THEN substring(data_type from ',([0-9]+)')::int END
           AS numeric_scale
    FROM svv_redshift_columns;
CREATE VIEW svv_tables AS
  SELECT current_database()::text AS table_catalog, n.nspname::text AS table_schema,
         c.relname::text AS table_name,
         CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'v')
     AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'redshift_system', 'pg_toast');
CREATE VIEW svv_redshift_tables AS
  SELECT table_catalog AS database_name, table_schema AS schema_name, table_name,
         CASE table_type WHEN 'VIEW' THEN 'VIEW' ELSE 'TABLE' END AS table_type
    FROM svv_tables`

/** What the views say depends on how the server was started. */
function facts(isolation: Isolation, hasLargeStrings: boolean): string {
  const level = isolation === 'snapshot' ? 'Snapshot Isolation' : 'Serializable'
  return `
CREATE VIEW stv_db_isolation_level AS
  SELECT current_database()::text AS db_name, '${level}'::text AS isolation_level;
CREATE VIEW svv_redshift_databases AS
  SELECT current_database()::text AS database_name, '${level}'::text AS database_isolation_level;
CREATE FUNCTION is_large_string_enabled() RETURNS boolean IMMUTABLE LANGUAGE sql AS $$
  SELECT ${String(hasLargeStrings)} $$;
GRANT USAGE ON SCHEMA redshift_system TO PUBLIC`
}
