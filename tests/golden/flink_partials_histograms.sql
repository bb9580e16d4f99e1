SELECT
  'main' AS lane,
  'model_calls' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  CAST(TO_TIMESTAMP_LTZ(event_time - MOD(event_time, 60000), 3) AS TIMESTAMP_LTZ(6)) AS `minute`,
  'canary.beat' AS kpi,
  tenant_id,
  region,
  environment,
  CAST(NULL AS STRING) AS process_id,
  CAST(NULL AS STRING) AS provider,
  CAST(NULL AS STRING) AS queue,
  CAST(NULL AS STRING) AS request_model,
  CAST(NULL AS STRING) AS run_kind,
  0 AS bucket,
  COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE model_calls_accepted, DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
WHERE event_type = 'canary.beat'
GROUP BY window_start, window_end, event_time - MOD(event_time, 60000), tenant_id, region, environment
UNION ALL
SELECT
  'main' AS lane,
  'model_calls' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  CAST(TO_TIMESTAMP_LTZ(event_time - MOD(event_time, 60000), 3) AS TIMESTAMP_LTZ(6)) AS `minute`,
  'model_latency' AS kpi,
  tenant_id,
  region,
  environment,
  CAST(NULL AS STRING) AS process_id,
  provider,
  CAST(NULL AS STRING) AS queue,
  request_model,
  CAST(NULL AS STRING) AS run_kind,
  CASE WHEN duration_ms < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(duration_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END AS bucket,
  COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE model_calls_accepted, DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
WHERE is_leaf AND event_type = 'model.completed' AND duration_ms IS NOT NULL
GROUP BY window_start, window_end, event_time - MOD(event_time, 60000), tenant_id, region, environment, provider, request_model, CASE WHEN duration_ms < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(duration_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END
UNION ALL
SELECT
  'main' AS lane,
  'model_calls' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  CAST(TO_TIMESTAMP_LTZ(event_time - MOD(event_time, 60000), 3) AS TIMESTAMP_LTZ(6)) AS `minute`,
  'time_to_first_token' AS kpi,
  tenant_id,
  region,
  environment,
  CAST(NULL AS STRING) AS process_id,
  provider,
  CAST(NULL AS STRING) AS queue,
  request_model,
  CAST(NULL AS STRING) AS run_kind,
  CASE WHEN time_to_first_token_ms < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(time_to_first_token_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END AS bucket,
  COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE model_calls_accepted, DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
WHERE is_leaf AND event_type = 'model.completed' AND time_to_first_token_ms IS NOT NULL
GROUP BY window_start, window_end, event_time - MOD(event_time, 60000), tenant_id, region, environment, provider, request_model, CASE WHEN time_to_first_token_ms < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(time_to_first_token_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END
UNION ALL
SELECT
  'main' AS lane,
  'runs' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  CAST(TO_TIMESTAMP_LTZ(event_time - MOD(event_time, 60000), 3) AS TIMESTAMP_LTZ(6)) AS `minute`,
  'canary.beat' AS kpi,
  tenant_id,
  region,
  environment,
  CAST(NULL AS STRING) AS process_id,
  CAST(NULL AS STRING) AS provider,
  CAST(NULL AS STRING) AS queue,
  CAST(NULL AS STRING) AS request_model,
  CAST(NULL AS STRING) AS run_kind,
  0 AS bucket,
  COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE runs_accepted, DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
WHERE event_type = 'canary.beat'
GROUP BY window_start, window_end, event_time - MOD(event_time, 60000), tenant_id, region, environment
UNION ALL
SELECT
  'main' AS lane,
  'runs' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  CAST(TO_TIMESTAMP_LTZ(event_time - MOD(event_time, 60000), 3) AS TIMESTAMP_LTZ(6)) AS `minute`,
  'run_duration' AS kpi,
  tenant_id,
  region,
  environment,
  process_id,
  CAST(NULL AS STRING) AS provider,
  CAST(NULL AS STRING) AS queue,
  CAST(NULL AS STRING) AS request_model,
  run_kind,
  CASE WHEN event_time - started_at < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(event_time - started_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END AS bucket,
  COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE runs_accepted, DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
WHERE event_type IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out') AND started_at IS NOT NULL
GROUP BY window_start, window_end, event_time - MOD(event_time, 60000), tenant_id, region, environment, run_kind, process_id, CASE WHEN event_time - started_at < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(event_time - started_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END
UNION ALL
SELECT
  'main' AS lane,
  'runs' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  CAST(TO_TIMESTAMP_LTZ(event_time - MOD(event_time, 60000), 3) AS TIMESTAMP_LTZ(6)) AS `minute`,
  'run_queue_wait' AS kpi,
  tenant_id,
  region,
  environment,
  CAST(NULL AS STRING) AS process_id,
  CAST(NULL AS STRING) AS provider,
  queue,
  CAST(NULL AS STRING) AS request_model,
  CAST(NULL AS STRING) AS run_kind,
  CASE WHEN started_at - created_at < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(started_at - created_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END AS bucket,
  COUNT(*) AS n
FROM TABLE(TUMBLE(TABLE runs_accepted, DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
WHERE event_type = 'run.started' AND created_at IS NOT NULL AND started_at IS NOT NULL
GROUP BY window_start, window_end, event_time - MOD(event_time, 60000), tenant_id, region, environment, queue, CASE WHEN started_at - created_at < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(started_at - created_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END;
