"""A second opinion on the codec, from the independent package pyiso8583 and its default ASCII specification.

Reads JSON from standard input: {"ours": [{"name", "raw"}], "theirs": [{"name", "fields"}], "lengths": {field: [kind, n]}}.
Decodes every message of "ours", encodes every message of "theirs", compares "lengths" with the specification, and
writes {"decoded": [{"name", "fields"}], "encoded": [{"name", "raw"}], "differences": [...]} to standard output.
"""

import json
import sys
from importlib.metadata import version

import iso8583
from iso8583.specs import default_ascii

EXPECTED_VERSION = "4.0.1"


def decode(message):
    fields, _ = iso8583.decode(message["raw"].encode("ascii"), default_ascii)
    # The bitmaps are part of the encoding, not of what is said.
    return {"name": message["name"], "fields": {k: v for k, v in fields.items() if k not in ("h", "p", "1")}}


def encode(message):
    raw, _ = iso8583.encode(dict(message["fields"]), default_ascii)
    return {"name": message["name"], "raw": bytes(raw).decode("ascii")}


def differences(lengths):
    for field, ours in sorted(lengths.items(), key=lambda item: int(item[0])):
        theirs = [default_ascii[field]["len_type"], default_ascii[field]["max_len"]]
        if ours != theirs:
            yield f"DE{field}: {ours} here, {theirs} there"


def main():
    if version("pyiso8583") != EXPECTED_VERSION:
        sys.exit(f"pyiso8583 {version('pyiso8583')} is installed, {EXPECTED_VERSION} is needed")
    asked = json.load(sys.stdin)
    json.dump(
        {
            "decoded": [decode(message) for message in asked["ours"]],
            "encoded": [encode(message) for message in asked["theirs"]],
            "differences": list(differences(asked["lengths"])),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main()
