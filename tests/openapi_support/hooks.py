"""What schemathesis cannot know: how JSON is written as text/plain and as lines."""

import json

import schemathesis


def written(value):
    return value if isinstance(value, bytes) else json.dumps(value).encode()


@schemathesis.serializer("text/plain")
def text(context, value):
    return written(value)


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    # What is no list has no lines: any JSON on one line would be a batch of one.
    return b"\n".join(map(written, value)) if isinstance(value, list) else b""
