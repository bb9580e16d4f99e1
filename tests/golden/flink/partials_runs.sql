SELECT
  'main' AS lane,
  'runs' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  event_type = 'canary.beat' AS is_canary,
  tenant_id,
  run_id,
  COUNT(*) AS n,
  MIN(created_at) AS created_at_fdf24a51,
  MIN(CASE WHEN event_type = 'run.started' AND (started_at IS NULL OR started_at > event_time) THEN event_time
      WHEN event_type LIKE 'run.%' THEN started_at END) AS started_at_c131548e,
  MAX(CASE WHEN event_type IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out') THEN event_time END) AS finished_at_677a272f,
  MAX(event_time) AS last_event_at_78ec5d6f,
  MAX(event_time * 16 + CASE event_type WHEN 'run.created' THEN 1 WHEN 'run.started' THEN 2 WHEN 'run.succeeded' THEN 3 WHEN 'run.cancelled' THEN 4
      WHEN 'run.timed_out' THEN 5 WHEN 'run.failed' THEN 6 END) AS status_fc705662,
  MAX(run_kind) AS run_kind_7e090f5e,
  MAX(process_id) AS process_id_ca684508,
  MAX(process_version) AS process_version_f141219e,
  MAX(workflow_id) AS workflow_id_f55a4939,
  MAX(agent_id) AS agent_id_20b3783a,
  MAX(CASE WHEN event_type LIKE 'run.%' THEN attempt END) AS attempts_21f5c856,
  COUNT(CASE WHEN event_type IN ('step.completed', 'step.failed') THEN 1 END) AS steps_8479c0f9,
  COUNT(CASE WHEN event_type = 'step.failed' THEN 1 END) AS failed_steps_e9b45e34,
  CAST(NULL AS BIGINT) AS model_calls_1bee9aa7,
  CAST(NULL AS BIGINT) AS failed_model_calls_470402b8,
  CAST(NULL AS BIGINT) AS input_tokens_f1f53ecf,
  CAST(NULL AS BIGINT) AS output_tokens_6d45872b,
  CAST(NULL AS BIGINT) AS cache_read_tokens_dc7f7b32,
  CAST(NULL AS BIGINT) AS cost_usd_25a69adc
FROM TABLE(TUMBLE(TABLE runs_accepted, DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
GROUP BY
  window_start,
  window_end,
  event_type = 'canary.beat',
  tenant_id,
  run_id
UNION ALL
SELECT
  'main' AS lane,
  'model_calls' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  event_type = 'canary.beat' AS is_canary,
  tenant_id,
  run_id,
  COUNT(*) AS n,
  CAST(NULL AS BIGINT) AS created_at_fdf24a51,
  CAST(NULL AS BIGINT) AS started_at_c131548e,
  CAST(NULL AS BIGINT) AS finished_at_677a272f,
  MAX(event_time) AS last_event_at_78ec5d6f,
  CAST(NULL AS BIGINT) AS status_fc705662,
  CAST(NULL AS STRING) AS run_kind_7e090f5e,
  CAST(NULL AS STRING) AS process_id_ca684508,
  CAST(NULL AS STRING) AS process_version_f141219e,
  CAST(NULL AS STRING) AS workflow_id_f55a4939,
  CAST(NULL AS STRING) AS agent_id_20b3783a,
  CAST(NULL AS BIGINT) AS attempts_21f5c856,
  CAST(NULL AS BIGINT) AS steps_8479c0f9,
  CAST(NULL AS BIGINT) AS failed_steps_e9b45e34,
  COUNT(CASE WHEN is_leaf AND event_type IN ('model.completed', 'model.failed') THEN 1 END) AS model_calls_1bee9aa7,
  COUNT(CASE WHEN is_leaf AND event_type = 'model.failed' THEN 1 END) AS failed_model_calls_470402b8,
  SUM(CASE WHEN is_leaf THEN input_tokens END) AS input_tokens_f1f53ecf,
  SUM(CASE WHEN is_leaf THEN output_tokens END) AS output_tokens_6d45872b,
  SUM(CASE WHEN is_leaf THEN cache_read_tokens END) AS cache_read_tokens_dc7f7b32,
  SUM(CASE WHEN is_leaf THEN cost_usd END) AS cost_usd_25a69adc
FROM TABLE(TUMBLE(TABLE model_calls_accepted, DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
WHERE NOT run_id IS NULL
GROUP BY
  window_start,
  window_end,
  event_type = 'canary.beat',
  tenant_id,
  run_id;
