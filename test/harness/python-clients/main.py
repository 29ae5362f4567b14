"""Runs Python clients against a gateway. Standard input: {"url", "keys"} as JSON. Standard output: the result of each check."""

import json
import os
import sys

# LiteLLM would fetch its prices from the internet, LangChain would send traces there.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LANGSMITH_TRACING"] = "false"

import checks  # noqa: E402

# Imports take seconds: the gateway starts at the same time.
import anthropic_checks  # noqa: E402, F401
import langchain_checks  # noqa: E402, F401
import litellm_checks  # noqa: E402, F401
import openai_checks  # noqa: E402, F401

setup = json.load(sys.stdin)
checks.Setup.url = setup["url"]
checks.Setup.keys = setup["keys"]
results = checks.run_checks()
print(results)
