SELECT
  'main' AS lane,
  'model_calls' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  CAST(TO_TIMESTAMP_LTZ(event_time - MOD(event_time, 60000), 3) AS TIMESTAMP_LTZ(6)) AS `minute`,
  kpi,
  tenant_id,
  region,
  environment,
  CAST(NULL AS STRING) AS process_id,
  CASE WHEN kpi IN ('model_latency:12217d5c', 'time_to_first_token:17d4aaa8') THEN provider END AS provider,
  CAST(NULL AS STRING) AS queue,
  CASE WHEN kpi IN ('model_latency:12217d5c', 'time_to_first_token:17d4aaa8') THEN request_model END AS request_model,
  CAST(NULL AS STRING) AS run_kind,
  bucket,
  COUNT(*) AS n
FROM TABLE(TUMBLE((
  SELECT environment, event_time, provider, region, request_model, tenant_id, appended_at, kpi, bucket
  FROM (
    SELECT duration_ms, environment, event_time, event_type, is_leaf, provider, region, request_model, tenant_id, time_to_first_token_ms, appended_at
    FROM model_calls_accepted
    WHERE event_type IN ('model.completed', 'canary.beat')
  )
  CROSS JOIN UNNEST(ARRAY[
    ROW(CAST('canary.beat' AS STRING), CASE WHEN event_type = 'canary.beat' THEN 0 END),
    ROW(CAST('model_latency:12217d5c' AS STRING), CASE WHEN is_leaf AND event_type = 'model.completed' THEN CASE WHEN duration_ms < 1 THEN 0
        ELSE 1 + CAST(FLOOR(LN(CAST(duration_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END END),
    ROW(CAST('time_to_first_token:17d4aaa8' AS STRING), CASE WHEN is_leaf AND event_type = 'model.completed' THEN CASE
        WHEN time_to_first_token_ms < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(time_to_first_token_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END END)
  ]) AS counted (kpi, bucket)
  WHERE bucket IS NOT NULL
), DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
GROUP BY
  window_start,
  window_end,
  event_time - MOD(event_time, 60000),
  kpi,
  tenant_id,
  region,
  environment,
  CASE WHEN kpi IN ('model_latency:12217d5c', 'time_to_first_token:17d4aaa8') THEN provider END,
  CASE WHEN kpi IN ('model_latency:12217d5c', 'time_to_first_token:17d4aaa8') THEN request_model END,
  bucket
UNION ALL
SELECT
  'main' AS lane,
  'runs' AS `stream`,
  CAST(window_start AS TIMESTAMP_LTZ(6)) AS window_start,
  CAST(window_end AS TIMESTAMP_LTZ(6)) AS window_end,
  CAST(TO_TIMESTAMP_LTZ(event_time - MOD(event_time, 60000), 3) AS TIMESTAMP_LTZ(6)) AS `minute`,
  kpi,
  tenant_id,
  region,
  environment,
  CASE WHEN kpi IN ('run_duration:82ec09b9') THEN process_id END AS process_id,
  CAST(NULL AS STRING) AS provider,
  CASE WHEN kpi IN ('run_queue_wait:e3c5b832') THEN queue END AS queue,
  CAST(NULL AS STRING) AS request_model,
  CASE WHEN kpi IN ('run_duration:82ec09b9') THEN run_kind END AS run_kind,
  bucket,
  COUNT(*) AS n
FROM TABLE(TUMBLE((
  SELECT environment, event_time, process_id, queue, region, run_kind, tenant_id, appended_at, kpi, bucket
  FROM (
    SELECT created_at, environment, event_time, event_type, process_id, queue, region, run_kind, started_at, tenant_id, appended_at
    FROM runs_accepted
    WHERE event_type IN ('run.cancelled', 'run.failed', 'run.started', 'run.succeeded', 'run.timed_out', 'canary.beat')
  )
  CROSS JOIN UNNEST(ARRAY[
    ROW(CAST('canary.beat' AS STRING), CASE WHEN event_type = 'canary.beat' THEN 0 END),
    ROW(CAST('run_duration:82ec09b9' AS STRING), CASE WHEN event_type IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out') THEN CASE
        WHEN (event_time - started_at) < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(event_time - started_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END END),
    ROW(CAST('run_queue_wait:e3c5b832' AS STRING), CASE WHEN event_type = 'run.started' THEN CASE WHEN (started_at - created_at) < 1 THEN 0
        ELSE 1 + CAST(FLOOR(LN(CAST(started_at - created_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END END)
  ]) AS counted (kpi, bucket)
  WHERE bucket IS NOT NULL
), DESCRIPTOR(appended_at), INTERVAL '10' SECOND))
GROUP BY
  window_start,
  window_end,
  event_time - MOD(event_time, 60000),
  kpi,
  tenant_id,
  region,
  environment,
  CASE WHEN kpi IN ('run_duration:82ec09b9') THEN process_id END,
  CASE WHEN kpi IN ('run_queue_wait:e3c5b832') THEN queue END,
  CASE WHEN kpi IN ('run_duration:82ec09b9') THEN run_kind END,
  bucket;
