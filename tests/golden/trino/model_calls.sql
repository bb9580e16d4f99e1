CREATE VIEW serving.model_calls AS
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
  delivered.call_id,
  delivered.run_id,
  delivered.process_id,
  delivered.step_id,
  delivered.conversation_id,
  delivered.agent_id,
  delivered.agent_version,
  delivered.provider,
  delivered.request_model,
  delivered.response_model,
  delivered.operation,
  delivered.is_leaf,
  delivered.input_tokens,
  delivered.output_tokens,
  delivered.cache_read_tokens,
  delivered.cache_write_tokens,
  delivered.reasoning_tokens,
  delivered.cost_usd,
  delivered.price_version,
  delivered.time_to_first_token_ms,
  delivered.duration_ms,
  delivered.finish_reason,
  delivered.error_type,
  delivered.http_status,
  delivered.attempt,
  delivered.streamed,
  delivered.prompt_version,
  delivered.topic,
  delivered."partition",
  delivered."offset",
  delivered.appended_at
FROM lake.journal.model_calls FOR VERSION AS OF 'audited' AS delivered
LEFT JOIN (
  SELECT "partition", "offset", appended_at
  FROM lake.audit.duplicates_model_calls FOR VERSION AS OF 'audited'
) AS repeated
  ON repeated."partition" = delivered."partition" AND repeated."offset" = delivered."offset" AND repeated.appended_at = delivered.appended_at
WHERE repeated."offset" IS NULL AND delivered.event_type IN ('model.completed', 'model.failed') AND delivered.is_leaf;
