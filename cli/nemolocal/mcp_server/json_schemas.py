"""JSON Schemas of structs, as tools publish them: one object without references.

Not every coding agent follows `$ref`, and the protocol wants `"type": "object"` at the root.
"""

from typing import Any

import msgspec

_PREFIX = "#/$defs/"


def object_schema(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the schema of a struct, which must not contain itself."""
    schema = msgspec.json.schema(kind)
    inlined: dict[str, Any] = _inline(schema, schema["$defs"])
    return inlined


def _inline(part: Any, definitions: dict[str, Any]) -> Any:
    if isinstance(part, list):
        return [_inline(item, definitions) for item in part]
    if not isinstance(part, dict):
        return part
    inlined = {
        name: _inline(value, definitions)
        for name, value in part.items()
        # A title repeats the name of the struct.
        if name not in ("$ref", "$defs") and not (name == "title" and isinstance(value, str))
    }
    if "$ref" not in part:
        return inlined
    target = definitions[part["$ref"].removeprefix(_PREFIX)]
    # What stands beside a reference says more than the definition.
    return {**_inline(target, definitions), **inlined}
