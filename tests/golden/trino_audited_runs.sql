CREATE VIEW audited.runs AS
WITH streamed AS (
  SELECT lane, "stream", window_start, window_end, is_canary, tenant_id, run_id, n, created_at, started_at, finished_at, last_event_at, status, run_kind, process_id, process_version, workflow_id, agent_id, attempts, steps, failed_steps, model_calls, failed_model_calls, input_tokens, output_tokens, cache_read_tokens, cost_usd
  FROM lake.partials.runs FOR VERSION AS OF 'audited'
),
reached AS (
  SELECT stream, MAX(window_end) AS window_end
  FROM streamed
  GROUP BY stream
),
corrections AS (
  SELECT correction.lane, correction."stream", correction.window_start, correction.window_end, correction.is_canary, correction.tenant_id, correction.run_id, correction.n, correction.created_at, correction.started_at, correction.finished_at, correction.last_event_at, correction.status, correction.run_kind, correction.process_id, correction.process_version, correction.workflow_id, correction.agent_id, correction.attempts, correction.steps, correction.failed_steps, correction.model_calls, correction.failed_model_calls, correction.input_tokens, correction.output_tokens, correction.cache_read_tokens, correction.cost_usd, correction.kind
  FROM lake.audit.runs FOR VERSION AS OF 'audited' AS correction
  JOIN reached ON reached.stream = correction.stream
  WHERE correction.visible_from <= reached.window_end
),
replaced AS (
  SELECT DISTINCT stream, window_start
  FROM corrections
  WHERE kind IN ('replacement', 'held')
)
SELECT streamed.lane, streamed."stream", streamed.window_start, streamed.window_end, streamed.is_canary, streamed.tenant_id, streamed.run_id, streamed.n, streamed.created_at, streamed.started_at, streamed.finished_at, streamed.last_event_at, streamed.status, streamed.run_kind, streamed.process_id, streamed.process_version, streamed.workflow_id, streamed.agent_id, streamed.attempts, streamed.steps, streamed.failed_steps, streamed.model_calls, streamed.failed_model_calls, streamed.input_tokens, streamed.output_tokens, streamed.cache_read_tokens, streamed.cost_usd
FROM streamed
LEFT JOIN replaced ON replaced.stream = streamed.stream AND replaced.window_start = streamed.window_start
WHERE replaced.stream IS NULL AND NOT is_canary
UNION ALL
SELECT lane, "stream", window_start, window_end, is_canary, tenant_id, run_id, n, created_at, started_at, finished_at, last_event_at, status, run_kind, process_id, process_version, workflow_id, agent_id, attempts, steps, failed_steps, model_calls, failed_model_calls, input_tokens, output_tokens, cache_read_tokens, cost_usd
FROM corrections
WHERE kind <> 'held' AND NOT is_canary;
