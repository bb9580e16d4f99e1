"""What every event and dataset promises: the sources, their only loader, the reference validator and the exports."""
