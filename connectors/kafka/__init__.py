"""The Kafka edge: topics, producer, exact re-reading and canaries."""
