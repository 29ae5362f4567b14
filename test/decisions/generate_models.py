"""Asks LiteLLM's own functions who may call which model, and at which upstream, and writes their answers to models.json.

No code of LiteLLM is copied here: its functions are called with rows that this script makes up. See README.md.
"""

import asyncio
import hashlib
import importlib.metadata
import json
import logging
import os
import random
import sys
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # The table of this release, not that of today.
os.environ["OPENAI_API_KEY"] = os.environ["ANTHROPIC_API_KEY"] = "sk-none"

import litellm  # noqa: E402
from litellm.proxy import litellm_pre_call_utils, proxy_server, route_llm_request  # noqa: E402
from litellm.proxy._types import (  # noqa: E402
    LiteLLM_AccessGroupTable,
    LiteLLM_BudgetTable,
    LiteLLM_TeamMembership,
    LiteLLM_TeamTable,
    LiteLLM_UserTable,
    ProxyErrorTypes,
    ProxyException,
    UserAPIKeyAuth,
)
from litellm.proxy.auth import auth_checks, user_api_key_auth  # noqa: E402
from starlette.requests import Request  # noqa: E402

VERSION = "1.108.7"
HERE = Path(__file__).parent
SEED = 20261130
CALLERS_PER_WORLD = 72
MODELS_PER_CALLER = 12
REFUSALS_PER_CALLER = 5
# Who stands behind a key. Every second caller is a key alone: there most entries are tried.
LEVELS = [
    levels
    for behind in (
        ["team"],
        ["user"],
        ["team", "user"],
        ["team", "member"],
        ["team"],
        ["user"],
        ["team", "user", "member"],
        ["organization"],
        ["team", "member"],
    )
    for levels in (["key"], ["key", *behind])
]
UNKNOWN = "unknown_model"

logging.disable(logging.CRITICAL)


class Router(litellm.Router):
    """Names the deployments that a call would choose from, and calls none of them."""

    def _chosen(self, model, metadata, specific_deployment=False):
        _, chosen = self._common_checks_available_deployment(
            model=model, specific_deployment=specific_deployment, request_kwargs={"metadata": metadata}
        )
        return {upstream(d) for d in (chosen if isinstance(chosen, list) else [chosen])}

    async def acompletion(self, model, metadata=None, specific_deployment=False, **_):
        return self._chosen(model, metadata or {}, specific_deployment)

    async def aembedding(self, model, metadata=None, specific_deployment=False, **_):
        return self._chosen(model, metadata or {}, specific_deployment)

    async def abatch_completion(self, models, metadata=None, **_):
        return set().union(*[self._chosen(model, metadata or {}) for model in models])


def upstream(deployment):
    params = deployment["litellm_params"]
    model, provider, _, _ = litellm.get_llm_provider(params["model"])
    return f"{provider}/{model}"


def serve(world):
    """Makes the models of a world those of the proxy."""
    models = [
        {
            "model_name": name,
            "litellm_params": {"model": model, "api_key": "sk-none"},
            "model_info": {"id": f"d{i}", **(info[0] if info else {})},
        }
        for i, (name, model, *info) in enumerate(world["models"])
    ]
    proxy_server.llm_model_list = models
    proxy_server.llm_router = Router(model_list=models, model_group_alias=world.get("aliases", {}))
    return models


async def verdict(world, caller, model, fallbacks):
    """Returns the upstreams that may serve a call, or the type of the error that refuses it."""
    key, team, user, member = (caller.get(level) for level in ("key", "team", "user", "member"))
    path = world.get("path", "/v1/chat/completions")
    token = UserAPIKeyAuth(
        api_key="sk-hash",
        token="hash",
        models=key.get("models", []),
        access_group_ids=key.get("access_group_ids"),
        aliases=key.get("aliases", {}),
        team_id=None if team is None else "t",
        team_models=(team or {}).get("models", []),
        team_model_aliases=(team or {}).get("model_aliases"),
        user_id=None if user is None and member is None else "u",
        org_id="o" if "organization" in caller else None,
    )
    team_row = token.team_id and LiteLLM_TeamTable(
        team_id="t",
        models=token.team_models,
        access_group_ids=team.get("access_group_ids"),
        blocked=team.get("blocked", False),
        organization_id=token.org_id,
    )
    user_row = token.user_id and LiteLLM_UserTable(
        user_id="u", models=(user or {}).get("models", []), max_budget=None, user_email=None
    )

    async def membership(**_):
        return member and LiteLLM_TeamMembership(
            user_id="u",
            team_id="t",
            budget_id="b",
            litellm_budget_table=LiteLLM_BudgetTable(allowed_models=member["allowed_models"]),
        )

    async def access_group(access_group_id, **_):
        name, models = world["groups"][access_group_id]
        return LiteLLM_AccessGroupTable(
            access_group_id=access_group_id, access_group_name=name, access_model_names=models
        )

    # Readers of rows. LiteLLM's decisions are its own.
    auth_checks.get_team_membership = membership
    auth_checks.get_access_object = access_group
    body = {"model": model, "messages": [], "input": "", **({"fallbacks": fallbacks} if fallbacks else {})}
    request = Request({"type": "http", "method": "POST", "path": path, "headers": [], "query_string": b"", "path_params": {}})
    router = proxy_server.llm_router
    try:
        await user_api_key_auth.enforce_key_and_fallback_model_access(
            valid_token=token,
            request_data=body,
            route=path,
            request=request,
            llm_model_list=proxy_server.llm_model_list,
            llm_router=router,
        )
        await auth_checks.common_checks(
            request_body=body,
            team_object=team_row,
            user_object=user_row,
            end_user_object=None,
            global_proxy_spend=None,
            general_settings={},
            route=path,
            llm_router=router,
            proxy_logging_obj=proxy_server.proxy_logging_obj,
            valid_token=token,
            request=request,
        )
        litellm_pre_call_utils._update_model_if_team_alias_exists(body, token)
        litellm_pre_call_utils._update_model_if_key_alias_exists(body, token)
        call = await route_llm_request.route_request(
            data={
                "model": body["model"],
                "messages": [],
                "input": "",
                "metadata": {"user_api_key_auth": token, "user_api_key_team_id": token.team_id},
            },
            llm_router=router,
            user_model=None,
            route_type="aembedding" if path.endswith("embeddings") else "acompletion",
        )
        return " ".join(sorted(await call))
    except ProxyException as error:
        return error.type.value if isinstance(error.type, ProxyErrorTypes) else error.type
    except (route_llm_request.ProxyModelNotFoundError, litellm.BadRequestError):
        return UNKNOWN
    except Exception as error:  # A blocked team is a plain exception.
        if "is blocked" in str(error):
            return "auth_error"
        raise


def model_lists(world, rng):
    """Yields lists of models: each entry alone, then mixtures, with empty lists among them."""
    entries = world["entries"]
    for entry in rng.sample(entries, len(entries)):
        yield [entry]
    while True:
        yield rng.sample(entries, rng.choice([0, 1, 2, 2, 3]))


def callers(world, rng):
    """Yields callers whose key, team, member, user and organization have lists of models."""
    lists = {level: model_lists(world, rng) for level in ("key", "team", "user", "member", "organization")}
    yield {"key": {}}
    for number in range(CALLERS_PER_WORLD - 1):
        levels = LEVELS[number % len(LEVELS)]
        caller = {}
        for level in levels:
            models = next(lists[level]) if level != "key" or len(levels) == 1 or rng.random() < 0.4 else []
            field = "allowed_models" if level == "member" else "models"
            caller[level] = {field: models} if models or level == "member" else {}
        if "callerAliases" in world and rng.random() < 0.6:
            caller["key"]["aliases"] = rng.choice(world["callerAliases"])
            if "team" in caller:
                caller["team"]["model_aliases"] = rng.choice(world["teamAliases"])
        for level in ("key", "team"):
            # Without other models, LiteLLM's groups restrict nothing: few of these calls say enough.
            share = 0.7 if caller.get(level, {}).get("models") else 0.1
            if "groups" in world and level in caller and rng.random() < share:
                caller[level]["access_group_ids"] = rng.sample(sorted(world["groups"]), rng.choice([1, 1, 2]))
        for level in ("team", "user", "organization"):
            if level in caller and rng.random() < 0.06:
                caller[level]["blocked"] = True
        yield caller


def different(answers, most, rng):
    """Returns some of the answers: as many different verdicts as possible."""
    by_verdict = {}
    for model in rng.sample(sorted(answers), len(answers)):
        alike = by_verdict.setdefault(answers[model], [])
        if "/" in answers[model] or len(alike) < REFUSALS_PER_CALLER:
            alike.append(model)
    chosen = []
    while len(chosen) < most and by_verdict:
        for kind in sorted(by_verdict, key=lambda it: ("/" not in it, it)):
            if len(chosen) < most:
                chosen.append(by_verdict[kind].pop())
            if not by_verdict[kind]:
                del by_verdict[kind]
    return {model: answers[model] for model in sorted(chosen)}


async def decisions():
    seen = set()
    for name, world in json.loads((HERE / "worlds.json").read_text()).items():
        rng = random.Random(f"{SEED} {name}")
        serve(world)
        for number, caller in enumerate(callers(world, rng)):
            fallbacks = rng.sample(world["fallbacks"], rng.choice([1, 2])) if "fallbacks" in world and number % 8 == 7 else []
            row = {"world": name, **caller, **({"fallbacks": fallbacks} if fallbacks else {})}
            row_id = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()[:8]
            if row_id in seen:
                continue
            seen.add(row_id)
            answers = {model: await verdict(world, caller, model, fallbacks) for model in world["asked"]}
            # LiteLLM asks no organization about models, and blocks no user: few of these calls say enough.
            is_simple = "organization" in caller or caller.get("user", {}).get("blocked")
            most = 4 if is_simple else MODELS_PER_CALLER
            yield {"id": row_id, **row, "asked": different(answers, most, rng)}


async def main():
    installed = importlib.metadata.version("litellm")
    if installed != VERSION:
        sys.exit(f"This is LiteLLM {installed}, not {VERSION}.")
    rows = [row async for row in decisions()]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    (HERE / "models.json").write_text(f"[\n{lines}\n]\n")
    print(len(rows), "callers,", sum(len(row["asked"]) for row in rows), "decisions")


asyncio.run(main())
