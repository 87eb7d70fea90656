"""Great Expectations as asset checks: each file of `expectations/` is a suite, and an agency's engineer may add others."""
