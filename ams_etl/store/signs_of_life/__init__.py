"""Which runs and followers live, by the signs that they give."""
