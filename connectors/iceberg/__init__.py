"""The Iceberg catalog: tables as contracts and definitions want them, and the tag that readers see."""
