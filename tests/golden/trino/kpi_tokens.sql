CREATE VIEW serving.kpi_tokens AS
SELECT
  date_trunc('minute', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  provider,
  request_model,
  agent_id,
  TRY_CAST(COALESCE(SUM(CAST(sum_input_tokens AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS BIGINT) AS input_tokens,
  TRY_CAST(COALESCE(SUM(CAST(sum_output_tokens AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS BIGINT) AS output_tokens,
  TRY_CAST(COALESCE(SUM(CAST(sum_cache_read_tokens AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS BIGINT) AS cache_read_tokens,
  TRY_CAST(COALESCE(SUM(CAST(sum_cache_write_tokens AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS BIGINT) AS cache_write_tokens,
  TRY_CAST(COALESCE(SUM(CAST(sum_reasoning_tokens AS DECIMAL(38, 0))) FILTER (WHERE is_leaf), 0) AS BIGINT) AS reasoning_tokens
FROM lake.audited.kpis
WHERE stream = 'model_calls' AND event_type IN ('model.completed', 'model.failed') AND ((is_leaf))
GROUP BY 1, 2, 3, 4, 5, 6, 7
HAVING SUM(n) > 0;
