"""Holds an XML document from standard input against the types that pyHanko generated from the schema of ETSI TS 119 102-2: which
elements, in which order, how many of each, which attributes, and whether references lead somewhere. Prints what is wrong; exit 1.
"""

import dataclasses
import re
import sys
import types
import typing

# Only the generated types are used, not the library that reads documents into them.
datatype = types.ModuleType("xsdata.models.datatype")
for name in ("XmlDateTime", "XmlDate", "XmlDuration", "XmlTime", "XmlPeriod"):
    setattr(datatype, name, type(name, (), {}))
sys.modules.update({"xsdata": types.ModuleType("xsdata"), "xsdata.models": types.ModuleType("xsdata.models")})
sys.modules["xsdata.models.datatype"] = datatype

from lxml import etree
from pyhanko.generated.etsi import ts_11910202

DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
faults = []
# In the schema one arm of a choice, whose other arm is a digest; the generated types have both, one after the other.
IN_A_CHOICE = {"SignersDocumentRepresentation"}
# In the schema a choice that repeats: any of its elements, in any order.
REPEATED_CHOICE = {ts_11910202.SignatureAttributesType}


def members(kind):
    hints = typing.get_type_hints(kind, vars(sys.modules[kind.__module__]))
    return [(field, hints[field.name]) for field in dataclasses.fields(kind)]


def plain(hint):
    """The type itself, out of `X | None` and `tuple[X, ...]`."""
    while typing.get_origin(hint) is not None:
        hint = next(part for part in typing.get_args(hint) if part not in (type(None), Ellipsis))
    return hint


def choices(field, hint):
    """Elements that a field stands for, as (name, type)."""
    if field.metadata.get("type") == "Elements":
        for choice in field.metadata["choices"]:
            if "name" in choice:
                yield f"{{{choice['namespace']}}}{choice['name']}", choice["type"]
    elif field.metadata.get("type") == "Element":
        yield f"{{{field.metadata['namespace']}}}{field.metadata.get('name', field.name)}", plain(hint)


def is_many(hint):
    return typing.get_origin(hint) is tuple


def check(element, kind, path):
    if not dataclasses.is_dataclass(kind):
        text = element.text or ""
        if kind is datatype.XmlDateTime and not DATE_TIME.fullmatch(text):
            faults.append(f"{path}: {text!r} is no dateTime")
        if kind is bytes and not BASE64.fullmatch(text):
            faults.append(f"{path}: no base64")
        if kind is bool and text not in ("true", "false"):
            faults.append(f"{path}: no boolean")
        if kind is not object and len(element):
            faults.append(f"{path}: elements where text belongs")
        return
    fields = members(kind)
    known = {field.metadata.get("name", field.name) for field, _ in fields if field.metadata.get("type") == "Attribute"}
    faults.extend(f"{path}: no attribute {name}" for name in element.attrib if name not in known)
    for field, _ in fields:
        name = field.metadata.get("name", field.name)
        if field.metadata.get("type") == "Attribute" and field.metadata.get("required") and name not in element.attrib:
            faults.append(f"{path}: attribute {name} is missing")
    # In the order of the fields; a field of several takes as many as come.
    children = [child for child in element if isinstance(child.tag, str)]
    if kind in REPEATED_CHOICE:
        known = dict(pair for field, hint in fields for pair in choices(field, hint))
        for child in children:
            where = f"{path}/{etree.QName(child).localname}"
            check(child, known[child.tag], where) if child.tag in known else check_own(child, where)
        return
    at = 0
    for field, hint in fields:
        if field.metadata.get("type") not in ("Element", "Elements", "Wildcard"):
            continue
        taken = 0
        while at < len(children) and (is_many(hint) or taken == 0):
            child = children[at]
            where = f"{path}/{etree.QName(child).localname}"
            if field.metadata["type"] == "Wildcard":
                check_own(child, where)
            else:
                found = dict(choices(field, hint)).get(child.tag)
                if found is None:
                    break
                check(child, found, where)
            at, taken = at + 1, taken + 1
        name = field.metadata.get("name", field.name)
        least = field.metadata.get("min_occurs", 1 if field.metadata.get("required") else 0)
        if taken < least and name not in IN_A_CHOICE:
            faults.append(f"{path}: {name} is missing")
    faults.extend(f"{path}: {child.tag} does not belong here" for child in children[at:])


def check_own(child, path):
    if etree.QName(child).namespace != "urn:antin:report:1":
        faults.append(f"{path}: {child.tag} where only elements of our own were meant")


root = etree.fromstring(sys.stdin.buffer.read())
if root.tag != "{http://uri.etsi.org/19102/v1.2.1#}ValidationReport":
    faults.append(f"the root is {root.tag}")
check(root, ts_11910202.ValidationReport, "")
identifiers = [element.get("id") for element in root.iter() if element.get("id")]
faults.extend(f"{one} is there twice" for one in set(identifiers) if identifiers.count(one) > 1)
faults.extend(f"{one!r} is no NCName" for one in identifiers if not re.fullmatch(r"[A-Za-z_][\w.-]*", one))
for element in root.iter():
    for one in (element.get("VOReference") or "").split():
        if one not in identifiers:
            faults.append(f"{element.tag} leads to {one}, which is not there")
print("\n".join(faults))
sys.exit(bool(faults))
