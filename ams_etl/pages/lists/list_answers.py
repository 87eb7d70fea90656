"""What the page of a list answers: a page of it, or all of it as CSV where the URL asks for that."""

from typing import Any

from ams_etl.pages.lists.csv_files import write_csv
from ams_etl.pages.lists.listing import Listing, read_all, read_page
from ams_etl.pages.visit import Answer, Downloaded, Shown, Visit


def as_csv(visit: Visit, listing: Listing, name: str, scope: dict[str, Any]) -> Downloaded | None:
    """Return the whole list as the file `NAME.csv`, or None where the URL does not ask for one.

    Args:
        visit: the request.
        listing: what the list is made of.
        name: of the file, without its ending.
        scope: the parameters of the list's query.
    """
    if visit.query.get("format") != "csv":
        return None
    rows = read_all(visit.connection, listing, visit.query, scope)
    return Downloaded(f"{name}.csv", write_csv([column.key for column in listing.columns], rows))


def show_list(visit: Visit, listing: Listing, name: str, scope: dict[str, Any], **values: object) -> Answer:
    """Show a page of the list with the template `NAME.html`, which has these values beside `list`; or return it as CSV."""
    page = as_csv(visit, listing, name, scope)
    if page is not None:
        return page
    return Shown(
        f"{name}.html", {"list": read_page(visit.connection, listing, visit.query, scope, visit.path), **values}
    )
