CREATE VIEW serving.kpi_tokens AS
SELECT
  date_trunc('minute', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  provider,
  request_model,
  agent_id,
  COALESCE(SUM(sum_input_tokens) FILTER (WHERE is_leaf), 0) AS input_tokens,
  COALESCE(SUM(sum_output_tokens) FILTER (WHERE is_leaf), 0) AS output_tokens,
  COALESCE(SUM(sum_cache_read_tokens) FILTER (WHERE is_leaf), 0) AS cache_read_tokens,
  COALESCE(SUM(sum_cache_write_tokens) FILTER (WHERE is_leaf), 0) AS cache_write_tokens,
  COALESCE(SUM(sum_reasoning_tokens) FILTER (WHERE is_leaf), 0) AS reasoning_tokens
FROM lake.audited.kpis
WHERE stream = 'model_calls' AND ((is_leaf))
GROUP BY 1, 2, 3, 4, 5, 6, 7
HAVING SUM(n) > 0;

CREATE VIEW serving.kpi_tokens_hourly AS
SELECT
  date_trunc('hour', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  provider,
  request_model,
  agent_id,
  COALESCE(SUM(sum_input_tokens) FILTER (WHERE is_leaf), 0) AS input_tokens,
  COALESCE(SUM(sum_output_tokens) FILTER (WHERE is_leaf), 0) AS output_tokens,
  COALESCE(SUM(sum_cache_read_tokens) FILTER (WHERE is_leaf), 0) AS cache_read_tokens,
  COALESCE(SUM(sum_cache_write_tokens) FILTER (WHERE is_leaf), 0) AS cache_write_tokens,
  COALESCE(SUM(sum_reasoning_tokens) FILTER (WHERE is_leaf), 0) AS reasoning_tokens
FROM lake.audited.kpis
WHERE stream = 'model_calls' AND ((is_leaf))
GROUP BY 1, 2, 3, 4, 5, 6, 7
HAVING SUM(n) > 0;

CREATE VIEW serving.kpi_tokens_daily AS
SELECT
  date_trunc('day', "minute") AS period_start,
  tenant_id,
  region,
  environment,
  provider,
  request_model,
  agent_id,
  COALESCE(SUM(sum_input_tokens) FILTER (WHERE is_leaf), 0) AS input_tokens,
  COALESCE(SUM(sum_output_tokens) FILTER (WHERE is_leaf), 0) AS output_tokens,
  COALESCE(SUM(sum_cache_read_tokens) FILTER (WHERE is_leaf), 0) AS cache_read_tokens,
  COALESCE(SUM(sum_cache_write_tokens) FILTER (WHERE is_leaf), 0) AS cache_write_tokens,
  COALESCE(SUM(sum_reasoning_tokens) FILTER (WHERE is_leaf), 0) AS reasoning_tokens
FROM lake.audited.kpis
WHERE stream = 'model_calls' AND ((is_leaf))
GROUP BY 1, 2, 3, 4, 5, 6, 7
HAVING SUM(n) > 0;
