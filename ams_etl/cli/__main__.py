"""`python -m ams_etl.cli`."""

from ams_etl.cli import main

main()
