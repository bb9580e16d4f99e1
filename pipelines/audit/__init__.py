"""The audit: everything is computed a second time and published only when both computations agree."""
