"""The Flink cluster: submitting a generated statement set and asking its REST interface."""
