CREATE VIEW serving.kpi_cache_hit_ratio AS
SELECT
  date_trunc('minute', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  provider,
  request_model,
  TRY_CAST(COALESCE(SUM(CAST(sum_cache_read_tokens AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS BIGINT) AS numerator,
  TRY_CAST(COALESCE(SUM(CAST(sum_input_tokens AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS BIGINT) AS denominator,
  CAST(COALESCE(SUM(CAST(sum_cache_read_tokens AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS DOUBLE) / NULLIF(COALESCE(SUM(CAST(sum_input_tokens AS
      DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0), 0) AS value
FROM lake.audited.kpis
WHERE stream = 'model_calls' AND event_type IN ('model.completed', 'model.failed') AND ((is_leaf))
GROUP BY 1, 2, 3, 4, 5, 6
HAVING SUM(n) > 0;
