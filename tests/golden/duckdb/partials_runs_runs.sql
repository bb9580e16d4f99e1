SELECT
  CAST('main' AS VARCHAR) AS lane,
  CAST('runs' AS VARCHAR) AS "stream",
  CAST(make_timestamptz((appended_ms - appended_ms % 10000) * 1000) AS TIMESTAMPTZ) AS window_start,
  CAST(make_timestamptz((appended_ms - appended_ms % 10000 + 10000) * 1000) AS TIMESTAMPTZ) AS window_end,
  CAST(event_type = 'canary.beat' AS BOOLEAN) AS is_canary,
  CAST(tenant_id AS VARCHAR) AS tenant_id,
  CAST(run_id AS VARCHAR) AS run_id,
  CAST(COUNT(*) AS BIGINT) AS n,
  CAST(MIN(created_at) AS BIGINT) AS created_at_fdf24a51,
  CAST(MIN(CASE WHEN event_type = 'run.started' AND (started_at IS NULL OR started_at > event_time) THEN event_time
      WHEN event_type LIKE 'run.%' THEN started_at END) AS BIGINT) AS started_at_c131548e,
  CAST(MAX(CASE WHEN event_type IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out') THEN event_time END) AS BIGINT) AS finished_at_677a272f,
  CAST(MAX(event_time) AS BIGINT) AS last_event_at_78ec5d6f,
  CAST(MAX(event_time * 16 + CASE event_type WHEN 'run.created' THEN 1 WHEN 'run.started' THEN 2 WHEN 'run.succeeded' THEN 3 WHEN 'run.cancelled' THEN 4
      WHEN 'run.timed_out' THEN 5 WHEN 'run.failed' THEN 6 END) AS BIGINT) AS status_fc705662,
  CAST(MAX(run_kind) AS VARCHAR) AS run_kind_7e090f5e,
  CAST(MAX(process_id) AS VARCHAR) AS process_id_ca684508,
  CAST(MAX(process_version) AS VARCHAR) AS process_version_f141219e,
  CAST(MAX(workflow_id) AS VARCHAR) AS workflow_id_f55a4939,
  CAST(MAX(agent_id) AS VARCHAR) AS agent_id_20b3783a,
  CAST(MAX(CASE WHEN event_type LIKE 'run.%' THEN attempt END) AS BIGINT) AS attempts_21f5c856,
  CAST(COUNT(CASE WHEN event_type IN ('step.completed', 'step.failed') THEN 1 END) AS BIGINT) AS steps_8479c0f9,
  CAST(COUNT(CASE WHEN event_type = 'step.failed' THEN 1 END) AS BIGINT) AS failed_steps_e9b45e34,
  CAST(NULL AS BIGINT) AS model_calls_1bee9aa7,
  CAST(NULL AS BIGINT) AS failed_model_calls_470402b8,
  CAST(NULL AS BIGINT) AS input_tokens_f1f53ecf,
  CAST(NULL AS BIGINT) AS output_tokens_6d45872b,
  CAST(NULL AS BIGINT) AS cache_read_tokens_dc7f7b32,
  CAST(NULL AS BIGINT) AS cost_usd_25a69adc
FROM delivered
GROUP BY ALL;
