CREATE VIEW serving.kpi_step_failure_rate AS
SELECT
  date_trunc('minute', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  task_id,
  book,
  "procedure",
  COALESCE(SUM(n) FILTER (WHERE event_type = 'step.failed'), 0) AS numerator,
  COALESCE(SUM(n) FILTER (WHERE event_type IN ('step.completed', 'step.failed')), 0) AS denominator,
  CAST(COALESCE(SUM(n) FILTER (WHERE event_type = 'step.failed'), 0) AS DOUBLE) / NULLIF(COALESCE(SUM(n) FILTER (WHERE event_type IN ('step.completed',
      'step.failed')), 0), 0) AS value
FROM lake.audited.kpis
WHERE stream = 'runs' AND event_type IN ('step.completed', 'step.failed') AND ((event_type = 'step.failed')
    OR (event_type IN ('step.completed', 'step.failed')))
GROUP BY 1, 2, 3, 4, 5, 6, 7
HAVING SUM(n) > 0;
