CREATE VIEW serving.kpis AS
WITH counted AS (
  SELECT "minute" AS period_start, kpi, measure, tenant_id, region, environment,
    IF(kpi IN ('model_cost', 'tokens', 'run_success_rate'), CAST(agent_id AS VARCHAR)) AS agent_id,
    IF(kpi IN ('step_failure_rate'), CAST(book AS VARCHAR)) AS book,
    IF(kpi IN ('step_failure_rate'), CAST("procedure" AS VARCHAR)) AS "procedure",
    IF(kpi IN ('model_cost', 'run_success_rate', 'runs_started'), CAST(process_id AS VARCHAR)) AS process_id,
    IF(kpi IN ('run_success_rate'), CAST(process_version AS VARCHAR)) AS process_version,
    IF(kpi IN ('cache_hit_ratio', 'model_cost', 'model_error_rate', 'rate_limited_share', 'tokens'), CAST(provider AS VARCHAR)) AS provider,
    CAST(NULL AS VARCHAR) AS queue,
    IF(kpi IN ('cache_hit_ratio', 'model_cost', 'model_error_rate', 'rate_limited_share', 'tokens'), CAST(request_model AS VARCHAR)) AS request_model,
    IF(kpi IN ('run_success_rate', 'runs_started'), CAST(run_kind AS VARCHAR)) AS run_kind,
    IF(kpi IN ('step_failure_rate'), CAST(task_id AS VARCHAR)) AS task_id,
    IF(kpi IN ('run_success_rate'), CAST(workflow_id AS VARCHAR)) AS workflow_id,
    SUM(CAST(numerator AS DECIMAL(38, 0))) AS numerator, SUM(CAST(denominator AS DECIMAL(38, 0))) AS denominator, MAX(scale) AS scale
  FROM lake.audited.kpis
  CROSS JOIN UNNEST(CASE stream
    WHEN 'model_calls' THEN ARRAY[
      ROW('cache_hit_ratio', 'value', IF(event_type IN ('model.completed', 'model.failed')
          AND is_leaf, sum_cache_read_tokens), IF(event_type IN ('model.completed', 'model.failed') AND is_leaf, sum_input_tokens), 0),
      ROW('model_cost', 'value', IF(event_type IN ('model.completed', 'model.failed') AND is_leaf, sum_cost_usd), NULL, 1000000000),
      ROW('model_error_rate', 'value', IF(is_leaf AND event_type = 'model.failed', n), IF(is_leaf AND event_type IN ('model.completed', 'model.failed'), n), 0),
      ROW('rate_limited_share', 'value', IF(event_type IN ('model.completed', 'model.failed') AND is_leaf, count_http_status_in_429_529), IF(is_leaf
          AND event_type IN ('model.completed', 'model.failed'), n), 0),
      ROW('tokens', 'input_tokens', IF(event_type IN ('model.completed', 'model.failed') AND is_leaf, sum_input_tokens), NULL, 1),
      ROW('tokens', 'output_tokens', IF(event_type IN ('model.completed', 'model.failed') AND is_leaf, sum_output_tokens), NULL, 1),
      ROW('tokens', 'cache_read_tokens', IF(event_type IN ('model.completed', 'model.failed') AND is_leaf, sum_cache_read_tokens), NULL, 1),
      ROW('tokens', 'cache_write_tokens', IF(event_type IN ('model.completed', 'model.failed') AND is_leaf, sum_cache_write_tokens), NULL, 1),
      ROW('tokens', 'reasoning_tokens', IF(event_type IN ('model.completed', 'model.failed') AND is_leaf, sum_reasoning_tokens), NULL, 1)
    ]
    WHEN 'runs' THEN ARRAY[
      ROW('run_success_rate', 'value', IF(event_type = 'run.succeeded', n), IF(event_type IN ('run.succeeded', 'run.failed', 'run.timed_out'), n), 0),
      ROW('runs_started', 'value', IF(event_type = 'run.started', n), NULL, 1),
      ROW('step_failure_rate', 'value', IF(event_type = 'step.failed', n), IF(event_type IN ('step.completed', 'step.failed'), n), 0)
    ]
  END) AS item (kpi, measure, numerator, denominator, scale)
  WHERE numerator IS NOT NULL OR denominator IS NOT NULL
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17
  HAVING SUM(n) > 0
),
histograms AS (
  SELECT "minute" AS period_start, tenant_id, region, environment,
    CAST(NULL AS VARCHAR) AS agent_id,
    CAST(NULL AS VARCHAR) AS book,
    CAST(NULL AS VARCHAR) AS "procedure",
    CAST(process_id AS VARCHAR) AS process_id,
    CAST(NULL AS VARCHAR) AS process_version,
    CAST(provider AS VARCHAR) AS provider,
    CAST(queue AS VARCHAR) AS queue,
    CAST(request_model AS VARCHAR) AS request_model,
    CAST(run_kind AS VARCHAR) AS run_kind,
    CAST(NULL AS VARCHAR) AS task_id,
    CAST(NULL AS VARCHAR) AS workflow_id,
    bucket, n,
    CASE kpi
      WHEN 'model_latency:12217d5c' THEN 'model_latency'
      WHEN 'time_to_first_token:17d4aaa8' THEN 'time_to_first_token'
      WHEN 'run_duration:82ec09b9' THEN 'run_duration'
      WHEN 'run_queue_wait:e3c5b832' THEN 'run_queue_wait'
    END AS kpi
  FROM lake.audited.histograms
  WHERE kpi <> 'canary.beat'
),
bucketed AS (
  SELECT period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue, request_model, run_kind,
      task_id, workflow_id, bucket, SUM(n) AS n
  FROM histograms
  WHERE kpi IS NOT NULL
  GROUP BY period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue, request_model,
      run_kind, task_id, workflow_id, bucket
  HAVING SUM(n) > 0
),
ranked AS (
  SELECT period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue, request_model, run_kind,
      task_id, workflow_id, bucket,
    SUM(n) OVER (PARTITION BY period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue,
        request_model, run_kind, task_id, workflow_id ORDER BY bucket) AS reached,
    SUM(n) OVER (PARTITION BY period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue,
        request_model, run_kind, task_id, workflow_id) AS total
  FROM bucketed
),
percentiles AS (
  SELECT period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue, request_model, run_kind,
      task_id, workflow_id, ARRAY[
    ROW('p50', MIN(CASE WHEN reached * 100 >= total * 50 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END)),
    ROW('p95', MIN(CASE WHEN reached * 100 >= total * 95 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END)),
    ROW('p99', MIN(CASE WHEN reached * 100 >= total * 99 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END))
  ] AS measures
  FROM ranked
  GROUP BY period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue, request_model,
      run_kind, task_id, workflow_id
),
long AS (
  SELECT period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue, request_model, run_kind,
      task_id, workflow_id, measure,
    COALESCE(CAST(numerator AS DOUBLE), 0E0) / IF(scale = 0, NULLIF(denominator, 0), scale) AS value
  FROM counted
  UNION ALL
  SELECT period_start, kpi, tenant_id, region, environment, agent_id, book, "procedure", process_id, process_version, provider, queue, request_model, run_kind,
      task_id, workflow_id, measure, value
  FROM percentiles CROSS JOIN UNNEST(measures) AS item (measure, value)
)
SELECT period_start, kpi, measure, tenant_id, region, environment,
  CASE kpi
    WHEN 'cache_hit_ratio' THEN MAP(CAST(ARRAY['provider', 'request_model'] AS ARRAY(VARCHAR)), CAST(ARRAY[provider, request_model] AS ARRAY(VARCHAR)))
    WHEN 'model_cost' THEN MAP(CAST(ARRAY['provider', 'request_model', 'agent_id', 'process_id'] AS ARRAY(VARCHAR)), CAST(ARRAY[provider, request_model,
        agent_id, process_id] AS ARRAY(VARCHAR)))
    WHEN 'model_error_rate' THEN MAP(CAST(ARRAY['provider', 'request_model'] AS ARRAY(VARCHAR)), CAST(ARRAY[provider, request_model] AS ARRAY(VARCHAR)))
    WHEN 'model_latency' THEN MAP(CAST(ARRAY['provider', 'request_model'] AS ARRAY(VARCHAR)), CAST(ARRAY[provider, request_model] AS ARRAY(VARCHAR)))
    WHEN 'rate_limited_share' THEN MAP(CAST(ARRAY['provider', 'request_model'] AS ARRAY(VARCHAR)), CAST(ARRAY[provider, request_model] AS ARRAY(VARCHAR)))
    WHEN 'time_to_first_token' THEN MAP(CAST(ARRAY['provider', 'request_model'] AS ARRAY(VARCHAR)), CAST(ARRAY[provider, request_model] AS ARRAY(VARCHAR)))
    WHEN 'tokens' THEN MAP(CAST(ARRAY['provider', 'request_model', 'agent_id'] AS ARRAY(VARCHAR)), CAST(ARRAY[provider, request_model, agent_id] AS
        ARRAY(VARCHAR)))
    WHEN 'run_duration' THEN MAP(CAST(ARRAY['run_kind', 'process_id'] AS ARRAY(VARCHAR)), CAST(ARRAY[run_kind, process_id] AS ARRAY(VARCHAR)))
    WHEN 'run_queue_wait' THEN MAP(CAST(ARRAY['queue'] AS ARRAY(VARCHAR)), CAST(ARRAY[queue] AS ARRAY(VARCHAR)))
    WHEN 'run_success_rate' THEN MAP(CAST(ARRAY['run_kind', 'process_id', 'process_version', 'workflow_id', 'agent_id'] AS ARRAY(VARCHAR)), CAST(ARRAY[run_kind,
        process_id, process_version, workflow_id, agent_id] AS ARRAY(VARCHAR)))
    WHEN 'runs_started' THEN MAP(CAST(ARRAY['run_kind', 'process_id'] AS ARRAY(VARCHAR)), CAST(ARRAY[run_kind, process_id] AS ARRAY(VARCHAR)))
    WHEN 'step_failure_rate' THEN MAP(CAST(ARRAY['task_id', 'book', 'procedure'] AS ARRAY(VARCHAR)), CAST(ARRAY[task_id, book, "procedure"] AS ARRAY(VARCHAR)))
  END AS dimensions,
  value,
  CASE kpi
    WHEN 'cache_hit_ratio' THEN 'ratio'
    WHEN 'model_cost' THEN 'USD'
    WHEN 'model_error_rate' THEN 'ratio'
    WHEN 'model_latency' THEN 'ms'
    WHEN 'rate_limited_share' THEN 'ratio'
    WHEN 'time_to_first_token' THEN 'ms'
    WHEN 'tokens' THEN 'tokens'
    WHEN 'run_duration' THEN 'ms'
    WHEN 'run_queue_wait' THEN 'ms'
    WHEN 'run_success_rate' THEN 'ratio'
    WHEN 'runs_started' THEN 'runs'
    WHEN 'step_failure_rate' THEN 'ratio'
  END AS unit
FROM long;
