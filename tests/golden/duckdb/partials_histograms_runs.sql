SELECT
  CAST('main' AS VARCHAR) AS lane,
  CAST('runs' AS VARCHAR) AS "stream",
  CAST(make_timestamptz((appended_ms - appended_ms % 10000) * 1000) AS TIMESTAMPTZ) AS window_start,
  CAST(make_timestamptz((appended_ms - appended_ms % 10000 + 10000) * 1000) AS TIMESTAMPTZ) AS window_end,
  CAST(make_timestamptz((event_time - event_time % 60000) * 1000) AS TIMESTAMPTZ) AS "minute",
  CAST(kpi AS VARCHAR) AS kpi,
  CAST(tenant_id AS VARCHAR) AS tenant_id,
  CAST(region AS VARCHAR) AS region,
  CAST(environment AS VARCHAR) AS environment,
  CAST(CASE WHEN kpi IN ('run_duration:82ec09b9') THEN process_id END AS VARCHAR) AS process_id,
  CAST(NULL AS VARCHAR) AS provider,
  CAST(CASE WHEN kpi IN ('run_queue_wait:e3c5b832') THEN queue END AS VARCHAR) AS queue,
  CAST(NULL AS VARCHAR) AS request_model,
  CAST(CASE WHEN kpi IN ('run_duration:82ec09b9') THEN run_kind END AS VARCHAR) AS run_kind,
  CAST(bucket AS INTEGER) AS bucket,
  CAST(COUNT(*) AS BIGINT) AS n
FROM (
  SELECT *, UNNEST([
    {'kpi': 'canary.beat', 'bucket': CASE WHEN event_type = 'canary.beat' THEN 0 END},
    {'kpi': 'run_duration:82ec09b9', 'bucket': CASE WHEN event_type IN ('run.succeeded', 'run.failed', 'run.cancelled', 'run.timed_out') THEN CASE
        WHEN (event_time - started_at) < 1 THEN 0 ELSE 1 + CAST(FLOOR(LN(CAST(event_time - started_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END END},
    {'kpi': 'run_queue_wait:e3c5b832', 'bucket': CASE WHEN event_type = 'run.started' THEN CASE WHEN (started_at - created_at) < 1 THEN 0
        ELSE 1 + CAST(FLOOR(LN(CAST(started_at - created_at AS DOUBLE)) / LN(CAST(1.02 AS DOUBLE))) AS INT) END END}
  ], recursive := true)
  FROM delivered
WHERE event_type IN ('run.cancelled', 'run.failed', 'run.started', 'run.succeeded', 'run.timed_out', 'canary.beat')
)
WHERE bucket IS NOT NULL
GROUP BY ALL;
