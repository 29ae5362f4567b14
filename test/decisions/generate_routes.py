"""Asks LiteLLM's own functions which role and which `allowed_routes` may call which route, and writes routes.json.

No code of LiteLLM is copied here: its functions are called with rows that this script makes up. See README.md.
"""

import importlib.metadata
import json
import logging
import os
import re
import sys
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from fastapi import HTTPException  # noqa: E402
from litellm.proxy._types import LiteLLM_UserTable, LiteLLMRoutes, UserAPIKeyAuth  # noqa: E402
from litellm.proxy.auth import auth_checks  # noqa: E402
from litellm.proxy.auth.route_checks import RouteChecks  # noqa: E402
from starlette.requests import Request  # noqa: E402

VERSION = "1.108.7"
HERE = Path(__file__).parent
USER_ROLES = ["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"]
# A key of a team without a user, and one without either.
ROLES = [*USER_ROLES, "team", "customer"]

logging.disable(logging.CRITICAL)


def is_allowed(role, allowed_routes, door):
    method, path = door.split(" ")
    path = re.sub(r":(\w+)", lambda it: "gpt-4o" if it[1] == "model" else "abc", path)
    has_user = role in USER_ROLES
    user = LiteLLM_UserTable(user_id="u", user_role=role, max_budget=None, user_email=None) if has_user else None
    token = UserAPIKeyAuth(
        api_key="sk-hash",
        token="hash",
        user_id="u" if has_user else None,
        user_role=role if has_user else None,
        team_id="t" if role == "team" else None,
        allowed_routes=allowed_routes,
    )
    scope = {"type": "http", "method": method, "path": path, "headers": [], "query_string": b"", "path_params": {}}
    request = Request(scope)
    if path in LiteLLMRoutes.master_key_only_routes.value:
        return False
    try:
        RouteChecks.should_call_route(route=path, valid_token=token, request=request)
        auth_checks._is_api_route_allowed(
            route=path, request=request, request_data={}, valid_token=token, user_obj=user
        )
    except HTTPException:
        return False
    except Exception as error:
        if "Only proxy admin" in str(error):
            return False
        raise
    return True


def main():
    installed = importlib.metadata.version("litellm")
    if installed != VERSION:
        sys.exit(f"This is LiteLLM {installed}, not {VERSION}.")
    asked = json.loads((HERE / "doors.json").read_text())
    doors = asked["doors"]
    callers = [(role, []) for role in ROLES]
    callers += [(role, entries) for entries in asked["allowed_routes"] for role in ("proxy_admin", "internal_user")]
    rows = [
        {"role": role, "allowed_routes": entries, "allows": [door for door in doors if is_allowed(role, entries, door)]}
        for role, entries in callers
    ]
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in rows)
    (HERE / "routes.json").write_text(f"[\n{lines}\n]\n")
    print(len(rows), "callers,", len(rows) * len(doors), "decisions")


main()
