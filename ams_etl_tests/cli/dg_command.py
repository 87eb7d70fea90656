"""`python -m` for `dg`, which comes as a script alone: so that tests run it in a process that has imported Dagster already."""

from dagster_dg_cli.cli import main

if __name__ == "__main__":
    main()  # type: ignore[no-untyped-call]
