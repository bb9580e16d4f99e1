SELECT
  CAST('main' AS VARCHAR) AS lane,
  CAST('model_calls' AS VARCHAR) AS "stream",
  CAST(make_timestamptz((appended_ms - appended_ms % 10000) * 1000) AS TIMESTAMPTZ) AS window_start,
  CAST(make_timestamptz((appended_ms - appended_ms % 10000 + 10000) * 1000) AS TIMESTAMPTZ) AS window_end,
  CAST(make_timestamptz((event_time - MOD(event_time, 60000)) * 1000) AS TIMESTAMPTZ) AS "minute",
  CAST('canary.beat' AS VARCHAR) AS kpi,
  CAST(tenant_id AS VARCHAR) AS tenant_id,
  CAST(region AS VARCHAR) AS region,
  CAST(environment AS VARCHAR) AS environment,
  CAST(NULL AS VARCHAR) AS process_id,
  CAST(NULL AS VARCHAR) AS provider,
  CAST(NULL AS VARCHAR) AS queue,
  CAST(NULL AS VARCHAR) AS request_model,
  CAST(NULL AS VARCHAR) AS run_kind,
  CAST(0 AS INTEGER) AS bucket,
  CAST(COUNT(*) AS BIGINT) AS n
FROM delivered
WHERE event_type = 'canary.beat'
GROUP BY ALL
UNION ALL
SELECT
  CAST('main' AS VARCHAR) AS lane,
  CAST('model_calls' AS VARCHAR) AS "stream",
  CAST(make_timestamptz((appended_ms - appended_ms % 10000) * 1000) AS TIMESTAMPTZ) AS window_start,
  CAST(make_timestamptz((appended_ms - appended_ms % 10000 + 10000) * 1000) AS TIMESTAMPTZ) AS window_end,
  CAST(make_timestamptz((event_time - MOD(event_time, 60000)) * 1000) AS TIMESTAMPTZ) AS "minute",
  CAST('model_latency' AS VARCHAR) AS kpi,
  CAST(tenant_id AS VARCHAR) AS tenant_id,
  CAST(region AS VARCHAR) AS region,
  CAST(environment AS VARCHAR) AS environment,
  CAST(NULL AS VARCHAR) AS process_id,
  CAST(provider AS VARCHAR) AS provider,
  CAST(NULL AS VARCHAR) AS queue,
  CAST(request_model AS VARCHAR) AS request_model,
  CAST(NULL AS VARCHAR) AS run_kind,
  CAST(CASE WHEN duration_ms < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(duration_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END AS INTEGER) AS bucket,
  CAST(COUNT(*) AS BIGINT) AS n
FROM delivered
WHERE is_leaf AND event_type = 'model.completed' AND duration_ms IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT
  CAST('main' AS VARCHAR) AS lane,
  CAST('model_calls' AS VARCHAR) AS "stream",
  CAST(make_timestamptz((appended_ms - appended_ms % 10000) * 1000) AS TIMESTAMPTZ) AS window_start,
  CAST(make_timestamptz((appended_ms - appended_ms % 10000 + 10000) * 1000) AS TIMESTAMPTZ) AS window_end,
  CAST(make_timestamptz((event_time - MOD(event_time, 60000)) * 1000) AS TIMESTAMPTZ) AS "minute",
  CAST('time_to_first_token' AS VARCHAR) AS kpi,
  CAST(tenant_id AS VARCHAR) AS tenant_id,
  CAST(region AS VARCHAR) AS region,
  CAST(environment AS VARCHAR) AS environment,
  CAST(NULL AS VARCHAR) AS process_id,
  CAST(provider AS VARCHAR) AS provider,
  CAST(NULL AS VARCHAR) AS queue,
  CAST(request_model AS VARCHAR) AS request_model,
  CAST(NULL AS VARCHAR) AS run_kind,
  CAST(CASE WHEN time_to_first_token_ms < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(time_to_first_token_ms AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END AS INTEGER) AS bucket,
  CAST(COUNT(*) AS BIGINT) AS n
FROM delivered
WHERE is_leaf AND event_type = 'model.completed' AND time_to_first_token_ms IS NOT NULL
GROUP BY ALL;
