SELECT
  CAST('main' AS VARCHAR) AS lane,
  CAST('model_calls' AS VARCHAR) AS "stream",
  CAST(make_timestamptz((appended_ms - appended_ms % 10000) * 1000) AS TIMESTAMPTZ) AS window_start,
  CAST(make_timestamptz((appended_ms - appended_ms % 10000 + 10000) * 1000) AS TIMESTAMPTZ) AS window_end,
  CAST(make_timestamptz((event_time - event_time % 60000) * 1000) AS TIMESTAMPTZ) AS "minute",
  CAST(kpi AS VARCHAR) AS kpi,
  CAST(tenant_id AS VARCHAR) AS tenant_id,
  CAST(region AS VARCHAR) AS region,
  CAST(environment AS VARCHAR) AS environment,
  CAST(NULL AS VARCHAR) AS process_id,
  CAST(CASE WHEN kpi IN ('model_latency:12217d5c', 'time_to_first_token:17d4aaa8') THEN provider END AS VARCHAR) AS provider,
  CAST(NULL AS VARCHAR) AS queue,
  CAST(CASE WHEN kpi IN ('model_latency:12217d5c', 'time_to_first_token:17d4aaa8') THEN request_model END AS VARCHAR) AS request_model,
  CAST(NULL AS VARCHAR) AS run_kind,
  CAST(bucket AS INTEGER) AS bucket,
  CAST(COUNT(*) AS BIGINT) AS n
FROM (
  SELECT *, UNNEST([
    {'kpi': 'canary.beat', 'bucket': CASE WHEN event_type = 'canary.beat' THEN 0 END},
    {'kpi': 'model_latency:12217d5c', 'bucket': CASE WHEN is_leaf AND event_type = 'model.completed' THEN CASE WHEN duration_ms < 1 THEN 0
        ELSE 1 + CAST(FLOOR(LN(CAST(duration_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END END},
    {'kpi': 'time_to_first_token:17d4aaa8', 'bucket': CASE WHEN is_leaf AND event_type = 'model.completed' THEN CASE WHEN time_to_first_token_ms < 1 THEN 0
        ELSE 1 + CAST(FLOOR(LN(CAST(time_to_first_token_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END END}
  ], recursive := true)
  FROM delivered
WHERE event_type IN ('model.completed', 'canary.beat')
)
WHERE bucket IS NOT NULL
GROUP BY ALL;
