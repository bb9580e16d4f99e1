CREATE VIEW serving.kpi_rate_limited_share AS
SELECT
  date_trunc('minute', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  provider,
  request_model,
  COALESCE(SUM(count_http_status_in_429_529) FILTER (WHERE is_leaf), 0) AS numerator,
  COALESCE(SUM(n) FILTER (WHERE is_leaf AND event_type IN ('model.completed', 'model.failed')), 0) AS denominator,
  CAST(COALESCE(SUM(count_http_status_in_429_529) FILTER (WHERE is_leaf), 0) AS DOUBLE) / NULLIF(COALESCE(SUM(n) FILTER (WHERE is_leaf
      AND event_type IN ('model.completed', 'model.failed')), 0), 0) AS value
FROM lake.audited.kpis
WHERE stream = 'model_calls' AND event_type IN ('model.completed', 'model.failed') AND ((is_leaf) OR (is_leaf
    AND event_type IN ('model.completed', 'model.failed')))
GROUP BY 1, 2, 3, 4, 5, 6
HAVING SUM(n) > 0;
