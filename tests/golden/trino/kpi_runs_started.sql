CREATE VIEW serving.kpi_runs_started AS
SELECT
  date_trunc('minute', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  run_kind,
  process_id,
  COALESCE(SUM(n) FILTER (WHERE event_type = 'run.started'), 0) AS value
FROM lake.audited.kpis
WHERE stream = 'runs' AND event_type IN ('run.started') AND ((event_type = 'run.started'))
GROUP BY 1, 2, 3, 4, 5, 6
HAVING SUM(n) > 0;
