"""Tree ensembles: read from a graph, their thresholds and leaves coded, written as streams."""
