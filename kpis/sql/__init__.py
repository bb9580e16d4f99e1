"""One definition, every engine: the stream, the second computation, the readers' views."""
