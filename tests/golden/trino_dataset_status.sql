CREATE VIEW serving.dataset_status AS
SELECT dataset, stream, facts_through, kpis_through, verdict, reason, freshness_seconds, contract_version, snapshot_id, published_at
FROM lake.ops.dataset_status;
