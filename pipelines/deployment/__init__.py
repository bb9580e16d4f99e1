"""Making what is declared run: topics, tables and views, the job and its replacement."""
