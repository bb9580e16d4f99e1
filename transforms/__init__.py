"""Pure functions between contracts and engines: values in, values or SQL text out."""
