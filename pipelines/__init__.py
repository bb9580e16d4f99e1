"""Jobs assembled from the layers below, and the command line."""
