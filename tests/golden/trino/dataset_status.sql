CREATE VIEW serving.dataset_status AS
SELECT
  dataset,
  stream,
  CAST(from_unixtime_nanos(facts_through * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS facts_through,
  CAST(from_unixtime_nanos(kpis_through * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS kpis_through,
  verdict,
  reason,
  repeats,
  conflicting,
  freshness_seconds,
  contract_version,
  snapshot_id,
  CAST(from_unixtime_nanos(published_at * 1000000) AS TIMESTAMP(6) WITH TIME ZONE) AS published_at
FROM lake.ops."dataset_status$properties"
CROSS JOIN UNNEST(CAST(json_parse(value) AS ARRAY(ROW(dataset VARCHAR, stream VARCHAR, facts_through BIGINT, kpis_through BIGINT, verdict VARCHAR, reason
    VARCHAR, repeats BIGINT, conflicting BIGINT, freshness_seconds BIGINT, contract_version VARCHAR, snapshot_id BIGINT, published_at BIGINT)))) AS status
    (dataset, stream, facts_through, kpis_through, verdict, reason, repeats, conflicting, freshness_seconds, contract_version, snapshot_id, published_at)
WHERE key = 'daybook.status';
