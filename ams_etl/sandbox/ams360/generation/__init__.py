"""An agency made out of a seed: as messy as real ones are, the same for the same seed, size and day."""
