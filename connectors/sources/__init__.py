"""Adapters: each turns what one foreign platform keeps into canonical events, with its alias table beside it."""
