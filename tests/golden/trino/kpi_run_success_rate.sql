CREATE VIEW serving.kpi_run_success_rate AS
SELECT
  date_trunc('minute', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  run_kind,
  process_id,
  process_version,
  workflow_id,
  agent_id,
  COALESCE(SUM(n) FILTER (WHERE event_type = 'run.succeeded'), 0) AS numerator,
  COALESCE(SUM(n) FILTER (WHERE event_type IN ('run.succeeded', 'run.failed', 'run.timed_out')), 0) AS denominator,
  CAST(COALESCE(SUM(n) FILTER (WHERE event_type = 'run.succeeded'), 0) AS DOUBLE) / NULLIF(COALESCE(SUM(n) FILTER (WHERE event_type IN ('run.succeeded',
      'run.failed', 'run.timed_out')), 0), 0) AS value
FROM lake.audited.kpis
WHERE stream = 'runs' AND event_type IN ('run.failed', 'run.succeeded', 'run.timed_out') AND ((event_type = 'run.succeeded')
    OR (event_type IN ('run.succeeded', 'run.failed', 'run.timed_out')))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9
HAVING SUM(n) > 0;
