SELECT
  CAST('main' AS VARCHAR) AS lane,
  CAST('runs' AS VARCHAR) AS "stream",
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
  CAST('runs' AS VARCHAR) AS "stream",
  CAST(make_timestamptz((appended_ms - appended_ms % 10000) * 1000) AS TIMESTAMPTZ) AS window_start,
  CAST(make_timestamptz((appended_ms - appended_ms % 10000 + 10000) * 1000) AS TIMESTAMPTZ) AS window_end,
  CAST(make_timestamptz((event_time - MOD(event_time, 60000)) * 1000) AS TIMESTAMPTZ) AS "minute",
  CAST('run_duration' AS VARCHAR) AS kpi,
  CAST(tenant_id AS VARCHAR) AS tenant_id,
  CAST(region AS VARCHAR) AS region,
  CAST(environment AS VARCHAR) AS environment,
  CAST(process_id AS VARCHAR) AS process_id,
  CAST(NULL AS VARCHAR) AS provider,
  CAST(NULL AS VARCHAR) AS queue,
  CAST(NULL AS VARCHAR) AS request_model,
  CAST(run_kind AS VARCHAR) AS run_kind,
  CAST(CASE WHEN event_time - started_at < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(event_time - started_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END AS INTEGER) AS bucket,
  CAST(COUNT(*) AS BIGINT) AS n
FROM delivered
WHERE event_type IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out') AND started_at IS NOT NULL
GROUP BY ALL
UNION ALL
SELECT
  CAST('main' AS VARCHAR) AS lane,
  CAST('runs' AS VARCHAR) AS "stream",
  CAST(make_timestamptz((appended_ms - appended_ms % 10000) * 1000) AS TIMESTAMPTZ) AS window_start,
  CAST(make_timestamptz((appended_ms - appended_ms % 10000 + 10000) * 1000) AS TIMESTAMPTZ) AS window_end,
  CAST(make_timestamptz((event_time - MOD(event_time, 60000)) * 1000) AS TIMESTAMPTZ) AS "minute",
  CAST('run_queue_wait' AS VARCHAR) AS kpi,
  CAST(tenant_id AS VARCHAR) AS tenant_id,
  CAST(region AS VARCHAR) AS region,
  CAST(environment AS VARCHAR) AS environment,
  CAST(NULL AS VARCHAR) AS process_id,
  CAST(NULL AS VARCHAR) AS provider,
  CAST(queue AS VARCHAR) AS queue,
  CAST(NULL AS VARCHAR) AS request_model,
  CAST(NULL AS VARCHAR) AS run_kind,
  CAST(CASE WHEN started_at - created_at < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(started_at - created_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INTEGER) END AS INTEGER) AS bucket,
  CAST(COUNT(*) AS BIGINT) AS n
FROM delivered
WHERE event_type = 'run.started' AND created_at IS NOT NULL AND started_at IS NOT NULL
GROUP BY ALL;
