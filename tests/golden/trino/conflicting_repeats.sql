CREATE VIEW serving.conflicting_repeats AS
SELECT
  'model_calls' AS stream,
  '' AS differing_fields,
  "topic" AS "topic",
  "partition" AS "partition",
  "offset" AS "offset",
  "appended_at" AS "appended_at",
  "tenant_id" AS "tenant_id",
  "source" AS "source",
  "event_id" AS "event_id",
  "event_type" AS "event_type",
  "region" AS "region",
  "event_time" AS "event_time",
  "partition" AS "winner_partition",
  "offset" AS "winner_offset"
FROM lake.journal.model_calls FOR VERSION AS OF 'audited'
WHERE FALSE
UNION ALL
SELECT
  'model_calls',
  coalesce(differing_fields, 'not compared'),
  "topic",
  "partition",
  "offset",
  "appended_at",
  "tenant_id",
  "source",
  "event_id",
  "event_type",
  "region",
  "event_time",
  "winner_partition",
  "winner_offset"
FROM lake.audit.duplicates_model_calls FOR VERSION AS OF 'audited'
WHERE conflicting AND event_type <> 'canary.beat'
UNION ALL
SELECT
  'runs' AS stream,
  '' AS differing_fields,
  "topic" AS "topic",
  "partition" AS "partition",
  "offset" AS "offset",
  "appended_at" AS "appended_at",
  "tenant_id" AS "tenant_id",
  "source" AS "source",
  "event_id" AS "event_id",
  "event_type" AS "event_type",
  "region" AS "region",
  "event_time" AS "event_time",
  "partition" AS "winner_partition",
  "offset" AS "winner_offset"
FROM lake.journal.runs FOR VERSION AS OF 'audited'
WHERE FALSE
UNION ALL
SELECT
  'runs',
  coalesce(differing_fields, 'not compared'),
  "topic",
  "partition",
  "offset",
  "appended_at",
  "tenant_id",
  "source",
  "event_id",
  "event_type",
  "region",
  "event_time",
  "winner_partition",
  "winner_offset"
FROM lake.audit.duplicates_runs FOR VERSION AS OF 'audited'
WHERE conflicting AND event_type <> 'canary.beat';
