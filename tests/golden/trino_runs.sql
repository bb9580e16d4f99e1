CREATE VIEW serving.runs AS
WITH folded AS (
SELECT
  tenant_id,
  run_id,
  CAST(from_unixtime_nanos(MIN(created_at) * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS created_at,
  CAST(from_unixtime_nanos(MIN(started_at) * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS started_at,
  CAST(from_unixtime_nanos(MAX(finished_at) * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS finished_at,
  CAST(from_unixtime_nanos(MAX(last_event_at) * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS last_event_at,
  SUBSTR(MAX(status), 44) AS status,
  SUBSTR(MAX(run_kind), 44) AS run_kind,
  SUBSTR(MAX(process_id), 44) AS process_id,
  SUBSTR(MAX(process_version), 44) AS process_version,
  SUBSTR(MAX(workflow_id), 44) AS workflow_id,
  SUBSTR(MAX(agent_id), 44) AS agent_id,
  MAX(attempts) AS attempts,
  COALESCE(SUM(steps), 0) AS steps,
  COALESCE(SUM(failed_steps), 0) AS failed_steps,
  COALESCE(SUM(model_calls), 0) AS model_calls,
  COALESCE(SUM(failed_model_calls), 0) AS failed_model_calls,
  COALESCE(SUM(input_tokens), 0) AS input_tokens,
  COALESCE(SUM(output_tokens), 0) AS output_tokens,
  COALESCE(SUM(cache_read_tokens), 0) AS cache_read_tokens,
  CAST(CAST(COALESCE(SUM(cost_usd), 0) AS DECIMAL(29, 0)) * DECIMAL '0.000000001' AS DECIMAL(38, 9)) AS cost_usd
FROM lake.audited.runs
GROUP BY tenant_id, run_id
HAVING SUM(n) > 0
)
SELECT
  tenant_id,
  run_id,
  created_at,
  started_at,
  finished_at,
  last_event_at,
  CASE WHEN status IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out') THEN SUBSTR(status, 5) WHEN last_event_at < current_timestamp - INTERVAL '1' DAY THEN 'quiet' WHEN status = 'run.created' THEN 'created' ELSE 'running' END AS status,
  run_kind,
  process_id,
  process_version,
  workflow_id,
  agent_id,
  attempts,
  steps,
  failed_steps,
  model_calls,
  failed_model_calls,
  input_tokens,
  output_tokens,
  cache_read_tokens,
  cost_usd
FROM folded;
