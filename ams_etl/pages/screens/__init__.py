"""One module per screen; `registry` has them all."""
