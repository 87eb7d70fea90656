"""`python -m ams_etl.writeback.events.schema` prints docs/events.schema.json; with --write it rewrites the page."""

import json
import sys
from pathlib import Path

from ams_etl.writeback.events.events import schema

PAGE = Path(__file__).parents[3] / "docs" / "events.schema.json"


def render() -> str:
    """The page: JSON Schema of all events."""
    return json.dumps(schema(), indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    if "--write" in sys.argv:
        PAGE.write_text(render(), encoding="utf-8")
    else:
        sys.stdout.write(render())
