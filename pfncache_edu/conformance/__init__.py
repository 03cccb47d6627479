"""Conformance: our functions against recordings of what the real pfncache.c did."""
