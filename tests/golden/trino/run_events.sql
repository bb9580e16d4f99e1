CREATE VIEW serving.run_events AS
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
  delivered.run_kind,
  delivered.process_id,
  delivered.process_version,
  delivered.workflow_id,
  delivered.agent_id,
  delivered.agent_version,
  delivered.parent_run_id,
  delivered.root_run_id,
  delivered.trigger_id,
  delivered.queue,
  delivered.attempt,
  delivered.progress,
  delivered.created_at,
  delivered.started_at,
  delivered.error_type,
  delivered.status_reason,
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
WHERE repeated."offset" IS NULL AND delivered.event_type IN ('run.created', 'run.started', 'run.progressed', 'run.succeeded', 'run.failed', 'run.cancelled',
    'run.timed_out');
