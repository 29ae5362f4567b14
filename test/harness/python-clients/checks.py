"""Collects and runs the checks of all clients."""

import json
import logging
import traceback
from collections.abc import Callable
from typing import Any

CHECKS: dict[str, Callable[[], Any]] = {}


class Setup:
    """Where the gateway is, and keys by their purpose. `main.py` fills it before the checks run."""

    url = ""
    keys: dict[str, str] = {}


def check(client: str):
    """Registers a function as a check of a client. It returns facts, which the spec judges."""

    def register(function: Callable[[], Any]):
        CHECKS[f"{client}.{function.__name__}"] = function
        return function

    return register


class RequestCounter(logging.Handler):
    """Counts the HTTP requests of all clients: each HTTP library logs one line per response."""

    count = 0

    def listen(self):
        """Must run after the imports: LiteLLM's silences these loggers."""
        for name in ("httpx", "httpx2"):
            logger = logging.getLogger(name)
            logger.setLevel(logging.INFO)
            logger.propagate = False
            logger.addHandler(self)

    def emit(self, record: logging.LogRecord):
        if record.getMessage().startswith("HTTP Request:"):
            self.count += 1


REQUESTS = RequestCounter()


def refusal(call: Callable[[], Any]) -> dict[str, Any]:
    """Runs a call that must fail. Returns what a program sees of the error, and how many requests it took."""
    before = REQUESTS.count
    try:
        call()
    except Exception as error:
        body = getattr(error, "body", None)
        inner = body.get("error", body) if isinstance(body, dict) else {}
        return {
            "class": type(error).__name__,
            "status": getattr(error, "status_code", None),
            "type": inner.get("type"),
            "code": inner.get("code"),
            "requests": REQUESTS.count - before,
        }
    raise AssertionError("The call succeeded.")


def user(text: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": text}]


# A function of a caller's program that a model may call.
WEATHER = {
    "name": "weather",
    "description": "Tells the weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def run_checks() -> str:
    """Runs all checks, each in spite of the others' failures. Returns the results as JSON."""
    results = {}
    REQUESTS.listen()
    for name, function in CHECKS.items():
        try:
            results[name] = {"value": function()}
        except Exception:
            results[name] = {"raised": traceback.format_exc()}
    return json.dumps(results)
