CREATE VIEW serving.kpi_run_queue_wait AS
WITH counted AS (
  SELECT date_trunc('minute', "minute") AS period_start, tenant_id, region, environment, queue, bucket, SUM(n) AS n
  FROM lake.audited.histograms
  WHERE kpi = 'run_queue_wait:e3c5b832'
  GROUP BY date_trunc('minute', "minute"), tenant_id, region, environment, queue, bucket
  HAVING SUM(n) > 0
),
ranked AS (
  SELECT period_start, tenant_id, region, environment, queue, bucket,
    SUM(n) OVER (PARTITION BY period_start, tenant_id, region, environment, queue ORDER BY bucket) AS reached,
    SUM(n) OVER (PARTITION BY period_start, tenant_id, region, environment, queue) AS total
  FROM counted
)
SELECT period_start, tenant_id, region, environment, queue, MAX(total) AS n,
  MIN(CASE WHEN reached * 100 >= total * 50 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END) AS p50,
  MIN(CASE WHEN reached * 100 >= total * 95 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END) AS p95,
  MIN(CASE WHEN reached * 100 >= total * 99 THEN CASE WHEN bucket = 0 THEN 0E0 ELSE POWER(1.02E0, bucket - 0.5E0) END END) AS p99
FROM ranked
GROUP BY period_start, tenant_id, region, environment, queue;
