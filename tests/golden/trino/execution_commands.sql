CREATE VIEW serving.execution_commands AS
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
  delivered.status_reason,
  delivered.step_id,
  delivered.engine_instance,
  delivered.status,
  delivered.cpu_ms,
  delivered.memory_mb,
  delivered.command,
  delivered.issued_by,
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
WHERE repeated."offset" IS NULL AND delivered.event_type IN ('execution.status_changed', 'execution.commanded');
