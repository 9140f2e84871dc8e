/*
 * checks_list.c: the checks before a major upgrade, as data; used by checks.c.
 * SPDX-License-Identifier: MIT
 */
#include "checks.h"

#include <stddef.h>

#define BOTH (CHECK_BLUE_GREEN | CHECK_IN_PLACE)
#define USER_SCHEMA "n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"

const struct check checks_list[] = {
    { "prepared_transactions", BOTH, 1, 0, 0, "error",
      "select 'prepared transaction ' || gid || ' in database ' || database || ' since ' || prepared from pg_prepared_xacts",
      "commit or roll back: COMMIT PREPARED, ROLLBACK PREPARED" },
    { "logical_slots", BOTH, 1, 0, 0, "error",
      "select 'replication slot ' || slot_name || ' (' || coalesce(plugin, slot_type) || ') of database ' || database "
      "from pg_replication_slots where slot_type = 'logical'",
      "end what reads from it, then drop it by pg_drop_replication_slot(); it has to be made again after the upgrade" },
    { "long_transactions", BOTH, 1, 0, 0, "warning",
      "select 'process ' || pid || ' of ' || coalesce(usename, '?') || ' is in a transaction since ' || xact_start "
      "from pg_stat_activity where xact_start < clock_timestamp() - interval '5 minutes' and pid <> pg_backend_pid() "
      "and backend_type = 'client backend'",
      "wait for its end, or end it by pg_terminate_backend()" },
    { "large_objects", CHECK_BLUE_GREEN, 0, 0, 0, "error",
      "select count(*) || ' large objects' from pg_largeobject_metadata having count(*) > 0",
      "logical replication doesn't carry them: move them into bytea columns, or upgrade in place" },
    { "many_large_objects", CHECK_IN_PLACE, 0, 0, 0, "warning",
      "select count(*) || ' large objects' from pg_largeobject_metadata having count(*) > 100000",
      "each costs time and memory during the upgrade: remove orphans by vacuumlo, choose a larger class" },

    { "logical_replication", CHECK_BLUE_GREEN, 1, 0, 0, "warning",
      "select 'wal_level is ' || setting from pg_settings where name = 'wal_level' and setting <> 'logical'",
      "set rds.logical_replication = 1 in the parameter group and restart, days before" },
    { "replication_capacity", CHECK_BLUE_GREEN, 1, 0, 0, "warning",
      "with need as (select count(*) as databases from pg_database where datallowconn and not datistemplate) "
      "select name || ' is ' || setting || ', and there are ' || databases || ' databases' from pg_settings, need "
      "where (name in ('max_replication_slots', 'max_logical_replication_workers', 'max_wal_senders') "
      "and setting::int < databases) or (name = 'max_worker_processes' and setting::int <= databases)",
      "raise it in the parameter group: each database takes a slot, a sender and a worker" },
    { "no_primary_key", CHECK_BLUE_GREEN, 0, 0, 0, "error",
      "select 'table ' || n.nspname || '.' || c.relname || ' has no primary key and no replica identity' from pg_class c "
      "join pg_namespace n on n.oid = c.relnamespace where c.relkind = 'r' and c.relpersistence = 'p' and " USER_SCHEMA
      " and c.relreplident in ('d', 'n') and not (c.relreplident = 'd' and exists (select from pg_index i where "
      "i.indrelid = c.oid and i.indisprimary)) order by 1",
      "UPDATE and DELETE fail there once it is published: add a primary key, or ALTER TABLE ... REPLICA IDENTITY FULL" },
    { "unlogged_tables", CHECK_BLUE_GREEN, 0, 0, 0, "warning",
      "select 'table ' || n.nspname || '.' || c.relname || ' is unlogged' from pg_class c join pg_namespace n on "
      "n.oid = c.relnamespace where c.relkind = 'r' and c.relpersistence = 'u' order by 1",
      "what is in it isn't carried over: ALTER TABLE ... SET LOGGED, or fill it again afterwards" },
    { "materialized_views", CHECK_BLUE_GREEN, 0, 0, 0, "warning",
      "select 'materialized view ' || n.nspname || '.' || c.relname from pg_class c join pg_namespace n on "
      "n.oid = c.relnamespace where c.relkind = 'm' and " USER_SCHEMA " order by 1",
      "a refresh isn't replicated: refresh it after the switchover" },
    { "foreign_servers", CHECK_BLUE_GREEN, 0, 0, 0, "warning",
      "select 'foreign server ' || srvname || ' (' || coalesce(array_to_string(srvoptions, ', '), '') || ')' "
      "from pg_foreign_server order by 1",
      "look that green reaches it, and that nobody reaches this database by its name from outside" },
    { "always_triggers", CHECK_BLUE_GREEN, 0, 0, 0, "warning",
      "select 'trigger ' || t.tgname || ' on ' || t.tgrelid::regclass || ' fires for replicated rows, too' from pg_trigger t "
      "where t.tgenabled in ('A', 'R') and not t.tgisinternal order by 1",
      "it would fire a second time on green: ALTER TABLE ... ENABLE TRIGGER" },
    { "event_triggers", CHECK_BLUE_GREEN, 0, 0, 0, "warning",
      "select 'event trigger ' || evtname || ' on ' || evtevent from pg_event_trigger where evtenabled <> 'D' "
      "and evtowner <> 10 order by 1",
      "DDL isn't replicated: look whether it has to do something on green" },
    { "extensions_with_jobs", CHECK_BLUE_GREEN, 0, 0, 0, "warning",
      "select 'extension ' || extname || ' ' || extversion from pg_extension where extname in ('pg_partman', 'pg_cron', "
      "'pglogical', 'pgactive', 'apg_plan_mgmt', 'pgaudit') order by 1",
      "pg_partman makes tables, which isn't replicated: stop it; pg_cron: off on green; pglogical, pgactive: drop; pgaudit: "
      "into shared_preload_libraries of both groups" },
    { "publications", CHECK_BLUE_GREEN, 0, 100000, 0, "warning",
      "select 'publication ' || pubname from pg_publication order by 1",
      "this database may not publish logically itself: end what subscribes to it" },
    { "subscriptions", CHECK_BLUE_GREEN, 0, 100000, 0, "error",
      "select 'subscription ' || subname from pg_subscription where subdbid = (select oid from pg_database where "
      "datname = current_database()) order by 1",
      "this database may not subscribe to another: drop the subscription" },

    { "reg_columns", CHECK_IN_PLACE, 0, 0, 0, "error",
      "select 'column ' || n.nspname || '.' || c.relname || '.' || a.attname || ' has type ' || format_type(a.atttypid, null) "
      "from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace "
      "where c.relkind in ('r', 'm', 'i') and not a.attisdropped and " USER_SCHEMA " and (a.atttypid::regtype::text in "
      "('regproc', 'regprocedure', 'regoper', 'regoperator', 'regconfig', 'regdictionary', 'regnamespace', 'regcollation', "
      "'regrole') or a.atttypid::regtype::text in ('regproc[]', 'regprocedure[]', 'regoper[]', 'regoperator[]', "
      "'regconfig[]', 'regdictionary[]', 'regnamespace[]', 'regcollation[]', 'regrole[]')) order by 1",
      "its values don't survive pg_upgrade: change the column to text or oid" },
    { "invalid_databases", CHECK_IN_PLACE, 1, 0, 0, "error",
      "select 'database ' || datname || ' is invalid: a DROP DATABASE was interrupted' from pg_database where datconnlimit = -2",
      "drop it: DROP DATABASE" },
    { "unknown_columns", CHECK_IN_PLACE, 0, 0, 0, "error",
      "select 'column ' || n.nspname || '.' || c.relname || '.' || a.attname || ' has type unknown' from pg_attribute a "
      "join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace where a.atttypid = 705 "
      "and c.relkind in ('r', 'v', 'm') and not a.attisdropped order by 1",
      "give it a type, text for instance" },
    { "with_oids", CHECK_IN_PLACE, 0, 0, 120000, "error",
      "select 'table ' || n.nspname || '.' || c.relname || ' is WITH OIDS' from pg_class c join pg_namespace n on "
      "n.oid = c.relnamespace where c.relkind = 'r' and c.relhasoids and " USER_SCHEMA " order by 1",
      "ALTER TABLE ... SET WITHOUT OIDS" },
    { "reserved_roles", CHECK_IN_PLACE, 1, 0, 0, "error",
      "select 'role ' || rolname from pg_roles where rolname ~ '^pg_' and oid >= 16384 order by 1",
      "names with pg_ are the system's: rename the role" },
    { "views_of_statistics", CHECK_IN_PLACE, 0, 0, 0, "warning",
      "select distinct 'view ' || v.oid::regclass || ' reads ' || s.relname from pg_depend d join pg_rewrite r on "
      "r.oid = d.objid join pg_class v on v.oid = r.ev_class join pg_namespace n on n.oid = v.relnamespace "
      "join pg_class s on s.oid = d.refobjid where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass "
      "and s.relname in ('pg_stat_activity', 'pg_stat_statements', 'pg_stat_replication', 'pg_stat_progress_vacuum') "
      "and v.oid <> s.oid and v.relkind in ('v', 'm') and " USER_SCHEMA " order by 1",
      "columns of these views change between versions: drop it before and make it again after" },
    { "extensions_outdated", CHECK_IN_PLACE, 0, 0, 0, "warning",
      "select 'extension ' || e.extname || ' has version ' || e.extversion || ', the server offers ' || "
      "coalesce(a.default_version, 'none') from pg_extension e left join pg_available_extensions a on a.name = e.extname "
      "where a.default_version is distinct from e.extversion order by 1",
      "ALTER EXTENSION ... UPDATE before the upgrade, and look which version the target has" },
    { "collation_versions", BOTH, 1, 150000, 0, "warning",
      "select 'database ' || datname || ' was made with collation version ' || datcollversion || ', the system has ' || "
      "pg_database_collation_actual_version(oid) from pg_database where datallowconn and datcollversion is distinct from "
      "pg_database_collation_actual_version(oid) order by 1",
      "indexes on text may be corrupt: REINDEX, then ALTER DATABASE ... REFRESH COLLATION VERSION" },
    { 0 },
};
