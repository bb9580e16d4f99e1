"""The edges: one sub-package per outside system."""
