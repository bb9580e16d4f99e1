CREATE VIEW audited.histograms AS
WITH streamed AS (
  SELECT lane, "stream", window_start, window_end, "minute", kpi, tenant_id, region, environment, process_id, provider, queue, request_model, run_kind, bucket,
      n
  FROM lake.partials.histograms FOR VERSION AS OF 'audited'
),
reached AS (
  SELECT stream, MAX(window_end) AS window_end
  FROM streamed
  GROUP BY stream
),
corrections AS (
  SELECT correction.lane, correction."stream", correction.window_start, correction.window_end, correction."minute", correction.kpi, correction.tenant_id,
      correction.region, correction.environment, correction.process_id, correction.provider, correction.queue, correction.request_model, correction.run_kind,
      correction.bucket, correction.n, correction.kind
  FROM lake.audit.histograms FOR VERSION AS OF 'audited' AS correction
  JOIN reached ON reached.stream = correction.stream
  WHERE correction.visible_from <= reached.window_end
),
replaced AS (
  SELECT DISTINCT stream, window_start
  FROM corrections
  WHERE kind IN ('replacement', 'held')
)
SELECT streamed.lane, streamed."stream", streamed.window_start, streamed.window_end, streamed."minute", streamed.kpi, streamed.tenant_id, streamed.region,
    streamed.environment, streamed.process_id, streamed.provider, streamed.queue, streamed.request_model, streamed.run_kind, streamed.bucket, streamed.n
FROM streamed
LEFT JOIN replaced ON replaced.stream = streamed.stream AND replaced.window_start = streamed.window_start
WHERE replaced.stream IS NULL AND kpi <> 'canary.beat'
UNION ALL
SELECT lane, "stream", window_start, window_end, "minute", kpi, tenant_id, region, environment, process_id, provider, queue, request_model, run_kind, bucket, n
FROM corrections
WHERE kind <> 'held' AND kpi <> 'canary.beat';
