"""The local stack: real Kafka, Flink, Iceberg and Trino as supervised processes of one user.

Standard library only: it runs before anything is installed and tells what is missing.
"""
