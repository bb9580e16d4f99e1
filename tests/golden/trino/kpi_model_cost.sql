CREATE VIEW serving.kpi_model_cost AS
SELECT
  date_trunc('minute', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  provider,
  request_model,
  agent_id,
  process_id,
  CAST(CAST(COALESCE(SUM(CAST(sum_cost_usd AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS DECIMAL(29, 0)) * DECIMAL '0.000000001' AS DECIMAL(38, 9)) AS value
FROM lake.audited.kpis
WHERE stream = 'model_calls' AND event_type IN ('model.completed', 'model.failed') AND ((is_leaf))
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
HAVING SUM(n) > 0;
