CREATE VIEW serving.steps AS
SELECT
  delivered.event_id,
  delivered.event_type,
  delivered.schema_version,
  delivered.event_time,
  delivered.source,
  delivered.tenant_id,
  delivered.region,
  delivered.environment,
  delivered.correlation_id,
  delivered.trace_id,
  delivered.span_id,
  delivered.session_id,
  delivered.user_id,
  delivered.attributes,
  delivered.run_id,
  delivered.attempt,
  delivered.started_at,
  delivered.error_type,
  delivered.step_id,
  delivered.task_id,
  delivered.step_type,
  delivered.book,
  delivered."procedure",
  delivered.duration_ms,
  delivered.topic,
  delivered."partition",
  delivered."offset",
  delivered.appended_at
FROM lake.journal.runs FOR VERSION AS OF 'audited' AS delivered
LEFT JOIN (
  SELECT "partition", "offset", appended_at
  FROM lake.audit.duplicates_runs FOR VERSION AS OF 'audited'
) AS repeated
  ON repeated."partition" = delivered."partition" AND repeated."offset" = delivered."offset" AND repeated.appended_at = delivered.appended_at
WHERE repeated."offset" IS NULL AND delivered.event_type IN ('step.started', 'step.completed', 'step.failed');
