"""Plans, which the service calls products: found by account, read, created, updated."""

from collections.abc import Mapping

from ams_etl.sandbox.benefitpoint.accounts import Carry
from ams_etl.sandbox.benefitpoint.book import Book, Record, name_of
from ams_etl.sandbox.benefitpoint.results import RefusedError, done, unauthorized

_SHARED = (
    "productID", "productTypeID", "isAdditionalProduct", "productStatus", "name", "carrierID", "policyNumber",
    "effectiveAsOf", "renewalOn", "cancellationOn", "parentProductID", "lastModifiedOn", "brokerOfRecordAccountID",
    "metalLevelType",
)  # fmt: skip


def _find(book: Book, given: Record) -> Record:
    criteria = given.get("criteria") or {}
    account = book.get("accounts", criteria.get("accountID"))
    if account is None:
        raise unauthorized()
    since = (criteria.get("sinceLastModifiedOn") or "")[:19]
    return {
        "summaries": [
            _summary(book, account, product)
            for product in book.under("products", account["accountID"])
            if product["lastModifiedOn"][:19] >= since
        ]
    }


def _summary(book: Book, account: Record, product: Record) -> Record:
    """A summary spells continuousPolicy right, unlike the product."""
    kind = book.get("product_types", product["productTypeID"]) or {}
    carrier = book.get("carriers", product["carrierID"]) or {}
    return {
        **{name: product.get(name) for name in _SHARED},
        "productTypeDescription": kind.get("longDescription") or "Other",
        "carrierName": carrier.get("carrierName") or "", "carrierAlias": carrier.get("carrierAlias"),
        "continuousPolicy": product.get("continousPolicy"), "accountName": name_of(account),
        "policyOriginationReason": product.get("policyOriginationReason") or "None_Selected",
        "policyCancellationReason": product.get("cancellationReason"),
    }  # fmt: skip


def _get(book: Book, given: Record) -> Record:
    product = book.get("products", given.get("productID"))
    if product is None:
        raise unauthorized()
    return {"result": product}


def _create(book: Book, given: Record) -> Record:
    product = dict(given.get("product") or {})
    if product.pop("productID", None):
        raise RefusedError("productID is given by BenefitPoint.")
    _check(book, product)
    if product.get("productStatus") in {None, "None_Selected"}:
        product["productStatus"] = "Current"
    return done(book.add("products", product))


def _update(book: Book, given: Record) -> Record:
    product = dict(given.get("update") or {})
    before = book.get("products", product.get("productID"))
    if before is None:
        raise RefusedError("The product was not found.", "Access_Error")
    _check(book, product)
    product["createdOn"] = before["createdOn"]
    book.replace("products", product)
    return done(product["productID"])


def _check(book: Book, product: Record) -> None:
    for kind, member in (
        ("accounts", "accountID"), ("product_types", "productTypeID"), ("carriers", "carrierID"),
        ("offices", "officeID"), ("users", "primarySalesLeadUserID"), ("users", "primaryServiceLeadUserID"),
    ):  # fmt: skip
        if book.get(kind, product.get(member)) is None:
            raise RefusedError(f"{member} is required.")
    if not product.get("name"):
        raise RefusedError("name is required.")


def _types(book: Book, given: Record) -> Record:
    del given
    return {"productTypes": list(book.rows["product_types"].values())}


OPERATIONS: Mapping[str, Carry] = {
    "findProducts": _find,
    "getProduct": _get,
    "createProduct": _create,
    "updateProduct": _update,
    "getProductTypes": _types,
}
