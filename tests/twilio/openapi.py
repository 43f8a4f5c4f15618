"""Twilio's OpenAPI files as a judge of requests and answers. Where the files are not at hand, everything passes."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator

from tests.twilio.servers import Exchange

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "twilio-oai"
FILES = ("accounts_v1", "api_v2010", "content_v1", "messaging_v2", "pricing_v1")
# Files are fetched outside the described API.
DOWNLOAD = re.compile(r".*/(Media/ME|Recordings/RE)[0-9a-f]{32}(\.mp3|\.wav)?")
PROBLEM = {"code": int, "message": str, "more_info": str, "status": int}
INTEGER, BOOLEAN = re.compile(r"-?\d+"), re.compile(r"true|false")

Schema = dict[str, Any]


def documented(exchange: Exchange) -> list[str]:
    """What is wrong with this request and its answer; empty if Twilio documents it so."""
    if not FOLDER.exists() or DOWNLOAD.fullmatch(exchange.path):
        return []
    found = operation_of(exchange)
    if found is None:
        return [f"{exchange.method} {exchange.path} is not documented"]
    file, operation = found
    faults = [*query_faults(exchange, file, operation), *body_faults(exchange, file, operation)]
    faults += answer_faults(exchange, file, operation) if exchange.complete else ()
    return [f"{operation['operationId']}: {fault}" for fault in faults]


def operation_of(exchange: Exchange) -> tuple[str, Schema] | None:
    """The file and the operation that a path and method belong to."""
    for name in FILES:
        for pattern, methods in paths(name):
            if pattern.fullmatch(exchange.path) and exchange.method.lower() in methods:
                return name, methods[exchange.method.lower()]
    return None


@cache
def spec(name: str) -> Schema:
    return json.loads((FOLDER / f"twilio_{name}.json").read_text())


@cache
def paths(name: str) -> list[tuple[re.Pattern[str], Schema]]:
    """Path patterns with their operations, the most literal first."""
    found = sorted(spec(name)["paths"].items(), key=lambda item: item[0].count("{"))
    return [(re.compile(re.sub(r"\\{\w+\\}", r"[^/]+", re.escape(path))), methods) for path, methods in found]


def query_faults(exchange: Exchange, file: str, operation: Schema) -> Iterator[str]:
    known = {one["name"]: one for one in operation.get("parameters", []) if one["in"] == "query"}
    yield from (f"query has an unknown {name}" for name, _ in exchange.query if name not in known)
    given = {name for name, _ in exchange.query}
    yield from (f"query lacks {name}" for name, one in known.items() if one.get("required") and name not in given)
    for name, value in exchange.query:
        if name in known and not text_fits(value, known[name]["schema"], file):
            yield f"{name}={value!r} has the wrong type"


def body_faults(exchange: Exchange, file: str, operation: Schema) -> Iterator[str]:
    content = operation.get("requestBody", {}).get("content", {})
    if "application/json" in content:
        if exchange.headers["content-type"] != "application/json":
            yield "the body must be JSON"
        yield from schema_faults(json.loads(exchange.body), content["application/json"]["schema"], file)
    elif exchange.method == "POST":
        schema = content.get("application/x-www-form-urlencoded", {}).get("schema", {})
        yield from form_faults(exchange, file, schema)


def form_faults(exchange: Exchange, file: str, schema: Schema) -> Iterator[str]:
    pairs = parse_qsl(exchange.body.decode(), keep_blank_values=True)
    known, given = schema.get("properties", {}), [name for name, _ in pairs]
    yield from (f"form has an unknown {name}" for name in given if name not in known)
    yield from (f"form lacks {name}" for name in schema.get("required", ()) if name not in given)
    for name, value in pairs:
        if name in known and not text_fits(value, known[name], file):
            yield f"{name}={value!r} has the wrong type"
        if given.count(name) > 1 and known.get(name, {}).get("type") != "array":
            yield f"{name} is given more than once"


def text_fits(value: str, schema: Schema, file: str) -> bool:
    """Whether a form or query value can be of this type."""
    if "$ref" in schema:
        schema = spec(file)["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "array":
        return text_fits(value, schema["items"], file)
    if schema.get("enum") and value not in schema["enum"]:
        return False
    wanted = {"integer": INTEGER, "boolean": BOOLEAN}.get(schema.get("type", ""))
    pattern = schema.get("pattern")
    return not (wanted and not wanted.fullmatch(value)) and not (pattern and not re.search(pattern, value))


def answer_faults(exchange: Exchange, file: str, operation: Schema) -> Iterator[str]:
    if exchange.status >= 400:
        body = json.loads(exchange.answer)
        if {key: type(value) for key, value in body.items()} != PROBLEM or body["status"] != exchange.status:
            yield f"an error is not shaped like Twilio's: {body}"
        return
    if str(exchange.status) not in operation["responses"]:
        yield f"answers {exchange.status}"
        return
    content = operation["responses"][str(exchange.status)].get("content", {})
    if content:
        schema = content["application/json"]["schema"]
        yield from schema_faults(json.loads(exchange.answer), schema, file)


def schema_faults(value: object, schema: Schema, file: str) -> Iterator[str]:
    components = {"schemas": strict_components(file)}
    judge = Draft202012Validator({**strict(schema), "components": components})
    for error in judge.iter_errors(value):
        yield f"{'.'.join(map(str, error.path)) or 'body'}: {error.message[:200]}"


@cache
def strict_components(name: str) -> Schema:
    return {key: strict(schema) for key, schema in spec(name)["components"]["schemas"].items()}


def strict(schema: Any) -> Any:
    """An OpenAPI 3.0 schema as JSON schema; names that it does not list are faults."""
    if not isinstance(schema, dict):
        return schema
    plain = {key: value for key, value in schema.items() if key not in {"nullable", "format", "example", "examples"}}
    plain = {
        key: {name: strict(one) for name, one in value.items()} if key == "properties" else strict(value)
        for key, value in plain.items()
    }
    if schema.get("properties"):
        plain.setdefault("additionalProperties", False)
    # Twilio's own note: these numbers are written as text.
    if schema.get("x-twilio", {}).get("overrideType") == "string":
        plain["type"] = ["string", plain["type"]]
    return {"anyOf": [plain, {"type": "null"}]} if schema.get("nullable") else plain
