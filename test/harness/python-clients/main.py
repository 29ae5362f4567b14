"""
Runs the Python clients of one environment against a gateway. Argument: the environment. Standard input: {"url", "keys"} as JSON.
Standard output: the result of each check.
"""

import importlib
import json
import os
import sys

# LiteLLM would fetch its prices from the internet, LangChain would send traces there.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LANGSMITH_TRACING"] = "false"

import checks  # noqa: E402

MODULES = {
    "openai-2": ["anthropic_checks", "azure_checks", "langchain_checks", "litellm_checks", "openai_checks"],
    "openai-3": ["openai_agents_checks", "openai_checks", "pydantic_ai_checks"],
}

# Imports take seconds: the gateway starts at the same time.
for module in MODULES[sys.argv[1]]:
    importlib.import_module(module)

setup = json.load(sys.stdin)
checks.Setup.url = setup["url"]
checks.Setup.keys = setup["keys"]
results = checks.run_checks()
print(results)
