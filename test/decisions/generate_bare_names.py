"""Asks LiteLLM's own function whose each bare name of its public lists is, and writes src/models/known/bare-names.json.

No code of LiteLLM is copied here. See README.md.
"""

import importlib.metadata
import json
import logging
import os
import sys
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # The table of this release, not that of today.

import litellm  # noqa: E402
from litellm.litellm_core_utils.get_llm_provider_logic import inferred_provider  # noqa: E402

VERSION = "1.108.7"
TARGET = Path(__file__).parents[2] / "src/models/known/bare-names.json"

logging.disable(logging.CRITICAL)
litellm.suppress_debug_info = True


def names():
    """Returns every name without a prefix that LiteLLM lists."""
    lists = [value for value in vars(litellm).values() if isinstance(value, (set, list, tuple))]
    listed = {name for one in [litellm.model_cost, *lists] for name in one if isinstance(name, str)}
    return sorted(name for name in listed if name.strip() == name != "" and not {"/", "*"} & set(name))


def main():
    installed = importlib.metadata.version("litellm")
    if installed != VERSION:
        sys.exit(f"This is LiteLLM {installed}, not {VERSION}.")
    by_provider = {}
    for name in names():
        provider = inferred_provider(name)
        if provider is not None and provider != name:
            by_provider.setdefault(provider, []).append(name)
    lines = [
        f"{json.dumps(provider)}: [\n" + ",\n".join(f"  {json.dumps(name)}" for name in by_provider[provider]) + "\n]"
        for provider in sorted(by_provider)
    ]
    TARGET.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    print(sum(map(len, by_provider.values())), "names of", len(by_provider), "providers")


main()
