"""What enters by us instead of by its producer: files."""
