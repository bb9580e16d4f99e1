CREATE VIEW serving.runs AS
WITH folded AS (
SELECT
  tenant_id,
  run_id,
  CAST(from_unixtime_nanos(MIN(created_at_fdf24a51) * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS created_at,
  CAST(from_unixtime_nanos(MIN(started_at_c131548e) * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS started_at,
  CAST(from_unixtime_nanos(MAX(finished_at_677a272f) * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS finished_at,
  CAST(from_unixtime_nanos(MAX(last_event_at_78ec5d6f) * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS last_event_at,
  CASE MOD(MAX(status_fc705662), 16) WHEN 1 THEN 'run.created' WHEN 2 THEN 'run.started' WHEN 3 THEN 'run.succeeded' WHEN 4 THEN 'run.cancelled'
      WHEN 5 THEN 'run.timed_out' WHEN 6 THEN 'run.failed' END AS status,
  MAX(run_kind_7e090f5e) AS run_kind,
  MAX(process_id_ca684508) AS process_id,
  MAX(process_version_f141219e) AS process_version,
  MAX(workflow_id_f55a4939) AS workflow_id,
  MAX(agent_id_20b3783a) AS agent_id,
  MAX(attempts_21f5c856) AS attempts,
  COALESCE(SUM(steps_8479c0f9), 0) AS steps,
  COALESCE(SUM(failed_steps_e9b45e34), 0) AS failed_steps,
  COALESCE(SUM(model_calls_1bee9aa7), 0) AS model_calls,
  COALESCE(SUM(failed_model_calls_470402b8), 0) AS failed_model_calls,
  TRY_CAST(COALESCE(SUM(CAST(input_tokens_f1f53ecf AS DECIMAL(38, 0))), 0) AS BIGINT) AS input_tokens,
  TRY_CAST(COALESCE(SUM(CAST(output_tokens_6d45872b AS DECIMAL(38, 0))), 0) AS BIGINT) AS output_tokens,
  TRY_CAST(COALESCE(SUM(CAST(cache_read_tokens_dc7f7b32 AS DECIMAL(38, 0))), 0) AS BIGINT) AS cache_read_tokens,
  CAST(CAST(COALESCE(SUM(CAST(cost_usd_25a69adc AS DECIMAL(38, 0))), 0) AS DECIMAL(29, 0)) * DECIMAL '0.000000001' AS DECIMAL(38, 9)) AS cost_usd
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
  CASE WHEN status IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out') THEN SUBSTR(status, 5)
      WHEN last_event_at < current_timestamp - INTERVAL '1' DAY THEN 'quiet' WHEN status = 'run.created' THEN 'created' ELSE 'running' END AS status,
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
