"""Storms, edit histories and fuzzing that take minutes to hours: run by hand, their figures in docs/performance.md."""
