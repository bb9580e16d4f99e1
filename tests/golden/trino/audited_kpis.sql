CREATE VIEW audited.kpis AS
WITH streamed AS (
  SELECT lane, "stream", window_start, window_end, "minute", event_type, tenant_id, region, environment, agent_id, book, is_leaf, "procedure", process_id,
      process_version, provider, request_model, run_kind, task_id, workflow_id, n, count_http_status_in_429_529, sum_cache_read_tokens, sum_cache_write_tokens,
      sum_cost_usd, sum_input_tokens, sum_output_tokens, sum_reasoning_tokens
  FROM lake.partials.kpis FOR VERSION AS OF 'audited'
),
reached AS (
  SELECT stream, MAX(window_end) AS window_end
  FROM streamed
  GROUP BY stream
),
corrections AS (
  SELECT correction.lane, correction."stream", correction.window_start, correction.window_end, correction."minute", correction.event_type, correction.tenant_id,
      correction.region, correction.environment, correction.agent_id, correction.book, correction.is_leaf, correction."procedure", correction.process_id,
      correction.process_version, correction.provider, correction.request_model, correction.run_kind, correction.task_id, correction.workflow_id, correction.n,
      correction.count_http_status_in_429_529, correction.sum_cache_read_tokens, correction.sum_cache_write_tokens, correction.sum_cost_usd,
      correction.sum_input_tokens, correction.sum_output_tokens, correction.sum_reasoning_tokens, correction.kind
  FROM lake.audit.kpis FOR VERSION AS OF 'audited' AS correction
  JOIN reached ON reached.stream = correction.stream
  WHERE correction.visible_from <= reached.window_end
),
replaced AS (
  SELECT DISTINCT stream, window_start
  FROM corrections
  WHERE kind IN ('replacement', 'held')
)
SELECT streamed.lane, streamed."stream", streamed.window_start, streamed.window_end, streamed."minute", streamed.event_type, streamed.tenant_id,
    streamed.region, streamed.environment, streamed.agent_id, streamed.book, streamed.is_leaf, streamed."procedure", streamed.process_id,
    streamed.process_version, streamed.provider, streamed.request_model, streamed.run_kind, streamed.task_id, streamed.workflow_id, streamed.n,
    streamed.count_http_status_in_429_529, streamed.sum_cache_read_tokens, streamed.sum_cache_write_tokens, streamed.sum_cost_usd, streamed.sum_input_tokens,
    streamed.sum_output_tokens, streamed.sum_reasoning_tokens
FROM streamed
LEFT JOIN replaced ON replaced.stream = streamed.stream AND replaced.window_start = streamed.window_start
WHERE replaced.stream IS NULL AND event_type <> 'canary.beat'
UNION ALL
SELECT lane, "stream", window_start, window_end, "minute", event_type, tenant_id, region, environment, agent_id, book, is_leaf, "procedure", process_id,
    process_version, provider, request_model, run_kind, task_id, workflow_id, n, count_http_status_in_429_529, sum_cache_read_tokens, sum_cache_write_tokens,
    sum_cost_usd, sum_input_tokens, sum_output_tokens, sum_reasoning_tokens
FROM corrections
WHERE kind <> 'held' AND event_type <> 'canary.beat';
