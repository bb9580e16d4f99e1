CREATE VIEW serving.kpis AS
WITH counted AS (
  SELECT "minute" AS period_start, kpi, measure, tenant_id, region, environment, dimensions,
    SUM(numerator) AS numerator, SUM(denominator) AS denominator, MAX(scale) AS scale
  FROM lake.audited.kpis
  CROSS JOIN UNNEST(ARRAY[
    ROW('cache_hit_ratio', 'value', IF(stream = 'model_calls' AND is_leaf, sum_cache_read_tokens), IF(stream = 'model_calls' AND is_leaf, sum_input_tokens), 0, json_format(CAST(MAP(ARRAY['provider', 'request_model'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR)]) AS JSON))),
    ROW('model_cost', 'value', IF(stream = 'model_calls' AND is_leaf, sum_cost_usd), NULL, 1000000000, json_format(CAST(MAP(ARRAY['provider', 'request_model', 'agent_id', 'process_id'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR), CAST(agent_id AS VARCHAR), CAST(process_id AS VARCHAR)]) AS JSON))),
    ROW('model_error_rate', 'value', IF(stream = 'model_calls' AND is_leaf AND event_type = 'model.failed', n), IF(stream = 'model_calls' AND is_leaf AND event_type IN ('model.completed', 'model.failed'), n), 0, json_format(CAST(MAP(ARRAY['provider', 'request_model'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR)]) AS JSON))),
    ROW('rate_limited_share', 'value', IF(stream = 'model_calls' AND is_leaf, count_http_status_in_429_529), IF(stream = 'model_calls' AND is_leaf AND event_type IN ('model.completed', 'model.failed'), n), 0, json_format(CAST(MAP(ARRAY['provider', 'request_model'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR)]) AS JSON))),
    ROW('tokens', 'input_tokens', IF(stream = 'model_calls' AND is_leaf, sum_input_tokens), NULL, 1, json_format(CAST(MAP(ARRAY['provider', 'request_model', 'agent_id'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR), CAST(agent_id AS VARCHAR)]) AS JSON))),
    ROW('tokens', 'output_tokens', IF(stream = 'model_calls' AND is_leaf, sum_output_tokens), NULL, 1, json_format(CAST(MAP(ARRAY['provider', 'request_model', 'agent_id'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR), CAST(agent_id AS VARCHAR)]) AS JSON))),
    ROW('tokens', 'cache_read_tokens', IF(stream = 'model_calls' AND is_leaf, sum_cache_read_tokens), NULL, 1, json_format(CAST(MAP(ARRAY['provider', 'request_model', 'agent_id'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR), CAST(agent_id AS VARCHAR)]) AS JSON))),
    ROW('tokens', 'cache_write_tokens', IF(stream = 'model_calls' AND is_leaf, sum_cache_write_tokens), NULL, 1, json_format(CAST(MAP(ARRAY['provider', 'request_model', 'agent_id'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR), CAST(agent_id AS VARCHAR)]) AS JSON))),
    ROW('tokens', 'reasoning_tokens', IF(stream = 'model_calls' AND is_leaf, sum_reasoning_tokens), NULL, 1, json_format(CAST(MAP(ARRAY['provider', 'request_model', 'agent_id'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR), CAST(agent_id AS VARCHAR)]) AS JSON))),
    ROW('run_success_rate', 'value', IF(stream = 'runs' AND event_type = 'run.succeeded', n), IF(stream = 'runs' AND event_type IN ('run.succeeded', 'run.failed', 'run.timed_out'), n), 0, json_format(CAST(MAP(ARRAY['run_kind', 'process_id', 'process_version', 'workflow_id', 'agent_id'], ARRAY[CAST(run_kind AS VARCHAR), CAST(process_id AS VARCHAR), CAST(process_version AS VARCHAR), CAST(workflow_id AS VARCHAR), CAST(agent_id AS VARCHAR)]) AS JSON))),
    ROW('runs_started', 'value', IF(stream = 'runs' AND event_type = 'run.started', n), NULL, 1, json_format(CAST(MAP(ARRAY['run_kind', 'process_id', 'trigger_id'], ARRAY[CAST(run_kind AS VARCHAR), CAST(process_id AS VARCHAR), CAST(trigger_id AS VARCHAR)]) AS JSON))),
    ROW('step_failure_rate', 'value', IF(stream = 'runs' AND event_type = 'step.failed', n), IF(stream = 'runs' AND event_type IN ('step.completed', 'step.failed'), n), 0, json_format(CAST(MAP(ARRAY['task_id', 'book', 'procedure'], ARRAY[CAST(task_id AS VARCHAR), CAST(book AS VARCHAR), CAST("procedure" AS VARCHAR)]) AS JSON)))
  ]) AS item (kpi, measure, numerator, denominator, scale, dimensions)
  WHERE numerator IS NOT NULL OR denominator IS NOT NULL
  GROUP BY "minute", kpi, measure, tenant_id, region, environment, dimensions
  HAVING SUM(n) > 0
),
bucketed AS (
  SELECT period_start, kpi, tenant_id, region, environment, dimensions, bucket, SUM(n) AS n
  FROM (
    SELECT "minute" AS period_start, kpi, tenant_id, region, environment, bucket, n, CASE kpi
      WHEN 'model_latency' THEN json_format(CAST(MAP(ARRAY['provider', 'request_model'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR)]) AS JSON))
      WHEN 'time_to_first_token' THEN json_format(CAST(MAP(ARRAY['provider', 'request_model'], ARRAY[CAST(provider AS VARCHAR), CAST(request_model AS VARCHAR)]) AS JSON))
      WHEN 'run_duration' THEN json_format(CAST(MAP(ARRAY['run_kind', 'process_id'], ARRAY[CAST(run_kind AS VARCHAR), CAST(process_id AS VARCHAR)]) AS JSON))
      WHEN 'run_queue_wait' THEN json_format(CAST(MAP(ARRAY['queue'], ARRAY[CAST(queue AS VARCHAR)]) AS JSON))
    END AS dimensions
    FROM lake.audited.histograms
  )
  GROUP BY period_start, kpi, tenant_id, region, environment, dimensions, bucket
  HAVING SUM(n) > 0
),
ranked AS (
  SELECT period_start, kpi, tenant_id, region, environment, dimensions, bucket,
    SUM(n) OVER (PARTITION BY period_start, kpi, tenant_id, region, environment, dimensions ORDER BY bucket) AS reached,
    SUM(n) OVER (PARTITION BY period_start, kpi, tenant_id, region, environment, dimensions) AS total
  FROM bucketed
),
percentiles AS (
  SELECT period_start, kpi, tenant_id, region, environment, dimensions, ARRAY[ROW('p50', MIN(CASE WHEN reached * 100 >= total * 50 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END)), ROW('p95', MIN(CASE WHEN reached * 100 >= total * 95 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END)), ROW('p99', MIN(CASE WHEN reached * 100 >= total * 99 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END))] AS measures
  FROM ranked
  GROUP BY period_start, kpi, tenant_id, region, environment, dimensions
),
long AS (
  SELECT period_start, kpi, measure, tenant_id, region, environment, dimensions,
    CAST(numerator AS DOUBLE) / IF(scale = 0, NULLIF(denominator, 0), scale) AS value
  FROM counted
  UNION ALL
  SELECT period_start, kpi, measure, tenant_id, region, environment, dimensions, value
  FROM percentiles CROSS JOIN UNNEST(measures) AS item (measure, value)
)
SELECT period_start, kpi, measure, tenant_id, region, environment, CAST(json_parse(dimensions) AS MAP(VARCHAR, VARCHAR)) AS dimensions, value, CASE kpi WHEN 'cache_hit_ratio' THEN 'ratio' WHEN 'model_cost' THEN 'USD' WHEN 'model_error_rate' THEN 'ratio' WHEN 'model_latency' THEN 'ms' WHEN 'rate_limited_share' THEN 'ratio' WHEN 'time_to_first_token' THEN 'ms' WHEN 'tokens' THEN 'tokens' WHEN 'run_duration' THEN 'ms' WHEN 'run_queue_wait' THEN 'ms' WHEN 'run_success_rate' THEN 'ratio' WHEN 'runs_started' THEN 'runs' WHEN 'step_failure_rate' THEN 'ratio' END AS unit
FROM long;
