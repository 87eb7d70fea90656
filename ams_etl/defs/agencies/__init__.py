"""Agencies as partitions: which there are, which are inactive, and which assets have nothing to do with an agency."""
