"""The query engine: statements, answers and readers' views."""
