"""The lake of one audit on the real engines: Iceberg, DuckDB, Kafka."""
