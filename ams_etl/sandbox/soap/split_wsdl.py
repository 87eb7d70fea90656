"""A WSDL in several documents, as WCF publishes it: the service imports the rest, that imports schemas, one includes another."""

from copy import deepcopy
from typing import Any

from lxml import etree

_XS = "{http://www.w3.org/2001/XMLSchema}"
_WSDL = "{http://schemas.xmlsoap.org/wsdl/}"


def split_wsdl(document: bytes, base: str) -> dict[str, bytes]:
    """Return the documents of a WSDL by the query that they are fetched with; the first is that of `wsdl`.

    Args:
        document: the WSDL with all its schemas inside.
        base: the address without a query, which the documents refer to each other by.
    """
    root = etree.fromstring(document)
    namespace = root.get("targetNamespace")
    schemas = root.findall(f"{_WSDL}types/{_XS}schema")
    names = {schema.get("targetNamespace"): f"xsd{number}" for number, schema in enumerate(schemas)}
    parts: dict[str, bytes] = {}
    largest = max(schemas, key=len)
    for schema in schemas:
        for imported in schema.findall(f"{_XS}import"):
            imported.set("schemaLocation", f"{base}?xsd={names[imported.get('namespace')]}")
        name = names[schema.get("targetNamespace")]
        if schema is largest:
            parts[f"xsd={name}_more"] = etree.tostring(_second_half(schema), encoding="utf-8")
            include = etree.Element(f"{_XS}include", schemaLocation=f"{base}?xsd={name}_more")
            schema.insert(0, include)
        parts[f"xsd={name}"] = etree.tostring(_alone(schema, deepcopy(list(schema))), encoding="utf-8")
    rest, service = deepcopy(root), deepcopy(root)
    _remove(rest, "binding", "service")
    types = rest.find(f"{_WSDL}types")
    for schema in list(types):
        types.remove(schema)
    listed = etree.SubElement(types, f"{_XS}schema", targetNamespace=f"{namespace}/Imports")
    for space, name in names.items():
        etree.SubElement(listed, f"{_XS}import", namespace=space, schemaLocation=f"{base}?xsd={name}")
    _remove(service, "types", "message", "portType")
    service.insert(0, etree.Element(f"{_WSDL}import", namespace=namespace, location=f"{base}?wsdl=wsdl0"))
    return {
        "wsdl": etree.tostring(service, encoding="utf-8", xml_declaration=True),
        "wsdl=wsdl0": etree.tostring(rest, encoding="utf-8", xml_declaration=True),
        **parts,
    }


def _second_half(schema: Any) -> Any:
    """Move the second half of a schema's components into one of the same namespace."""
    imports = deepcopy(schema.findall(f"{_XS}import"))
    components = [component for component in schema if component.tag != f"{_XS}import"]
    return _alone(schema, [*imports, *components[len(components) // 2 :]])


def _alone(schema: Any, components: list[Any]) -> Any:
    """Return a schema of these components that declares every prefix itself, those that only its types' names use, too."""
    made = etree.Element(schema.tag, dict(schema.attrib), nsmap=schema.nsmap)
    made.extend(components)
    return made


def _remove(root: Any, *names: str) -> None:
    for name in names:
        for element in root.findall(f"{_WSDL}{name}"):
            root.remove(element)
