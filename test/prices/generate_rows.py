"""Writes rows.json: what an answer costs, as LiteLLM 1.108.7 computes it, or by the rule of the provider where LiteLLM is wrong.

LiteLLM calls a server of this script, which answers with the usage of the row. README.md says how to run it.
"""
import json
import os
import threading
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_LOG"] = "ERROR"

import litellm  # noqa: E402

litellm.suppress_debug_info = True
HERE = Path(__file__).parent
answer = {}


class Upstream(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"] or 0))
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=server.serve_forever, daemon=True).start()
BASE = f"http://127.0.0.1:{server.server_port}"


def chat_answer(usage, **more):
    message = {"role": "assistant", "content": "ok"}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": usage,
        **more,
    }


def messages_answer(usage):
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [{"type": "text", "text": "ok"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": usage,
    }


def responses_answer(usage, items=(), **more):
    message = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [{"type": "output_text", "text": "ok", "annotations": []}],
    }
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        "model": "m",
        "parallel_tool_calls": True,
        "temperature": 1,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1,
        "output": [*items, message],
        "usage": usage,
        **more,
    }


def embedding_answer(usage):
    vector = {"object": "embedding", "index": 0, "embedding": [0.5, 0.25]}
    return {"object": "list", "model": "m", "data": [vector], "usage": usage}


SETTINGS = {"api_key": "sk-test", "num_retries": 0, "timeout": 20, "drop_params": True}
USER = [{"role": "user", "content": "hi"}]


def ask(door, model, request, info):
    """Returns what LiteLLM says that this call cost."""
    base = BASE + ("/v1" if door != "messages" else "")
    settings = {**SETTINGS, "api_base": base, **request}
    settings.pop("max_tokens_of_gateway", None)
    if model.startswith("azure/"):
        settings |= {"api_base": BASE, "api_version": "2024-10-21"}
    if info:
        settings |= info
    if door == "embeddings":
        response = litellm.embedding(model=model, input=["hi"], **settings)
    elif door == "responses":
        response = litellm.responses(model=model, input="hi", **settings)
    elif door == "messages":
        response = litellm.completion(model=model, messages=USER, max_tokens=100, **settings)
    else:
        response = litellm.completion(model=model, messages=USER, **settings)
    return response._hidden_params["response_cost"]


rows = []


def figures_of_row(model):
    return litellm.model_cost.get(model) or litellm.model_cost.get(model.split("/", 1)[1]) or {}


def nano(usd):
    return int((Decimal(repr(usd)) * 10**9).quantize(Decimal(1), rounding="ROUND_HALF_UP"))


def add(door, model, full, request=None, right=None, rule=None, params=None, info=None):
    """Adds a row. `right`: the cost in USD where LiteLLM is wrong, and `rule` says why."""
    global answer
    answer = full
    row = {"door": door, "model": model}
    if params:
        row["params"] = params
    if info:
        row["info"] = info
    if request:
        row["request"] = request
    row["answer"] = full
    try:
        original = ask(door, model, request or {}, info)
    except Exception as error:  # LiteLLM fails at some answers itself.
        original = None
        if right is None:
            print("LiteLLM failed:", door, model, str(error)[:200])
            return
    if right is None:
        if original is None:
            print("LiteLLM has no cost:", door, model)
            return
        if original == 0 and figures_of_row(model).get("input_cost_per_token"):
            print("LiteLLM does not find its own row:", model)
            return
        row |= {"nanoUsd": nano(original), "by": "LiteLLM 1.108.7"}
    else:
        row |= {"nanoUsd": nano(right), "by": rule}
        if original is not None:
            row["litellm"] = nano(original)
    rows.append(row)


def tokens(prompt, completion, total=None, prompt_details=None, completion_details=None, **more):
    usage = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total or prompt + completion}
    if prompt_details:
        usage["prompt_tokens_details"] = prompt_details
    if completion_details:
        usage["completion_tokens_details"] = completion_details
    return {**usage, **more}


def figures(model):
    return litellm.model_cost[model]


PLAIN = tokens(1000, 500)
CACHED = tokens(2000, 500, prompt_details={"cached_tokens": 1500})
ALL_CACHED = tokens(2000, 0, prompt_details={"cached_tokens": 2000})
REASONED = tokens(1000, 900, completion_details={"reasoning_tokens": 700})
LONG = tokens(260_001, 1000)
LONGEST = tokens(300_000, 1000, prompt_details={"cached_tokens": 100_000})
ODD = tokens(1, 1)
SHAPES = [PLAIN, CACHED, ALL_CACHED, REASONED, LONG, LONGEST, ODD]

# Chat: everyone's plain, cached, reasoning and long calls.
CHAT = {
    "openai/gpt-4o": SHAPES,
    "openai/gpt-4o-mini": SHAPES,
    "openai/gpt-4.1": SHAPES,
    "openai/gpt-4.1-nano": SHAPES,
    "openai/gpt-5": SHAPES,
    "openai/gpt-5-mini": SHAPES,
    "openai/gpt-5.4": [*SHAPES, tokens(272_000, 10), tokens(272_001, 10)],
    "openai/gpt-5.5": [*SHAPES, tokens(272_000, 10), tokens(272_001, 10)],
    "openai/gpt-5.6-sol": [*SHAPES, tokens(272_000, 10), tokens(272_001, 10)],
    "openai/o3": SHAPES,
    "openai/o4-mini": SHAPES,
    "openai/gpt-3.5-turbo": [PLAIN, ODD],
    "openai/ft:gpt-4o-2024-08-06": [PLAIN, CACHED],
    "openai/ft:gpt-4.1-2025-04-14": [PLAIN, CACHED],
    "azure/gpt-4o": [PLAIN, CACHED],
    "azure/gpt-4.1": [PLAIN, CACHED],
    "azure/gpt-5": [PLAIN, CACHED, REASONED],
    "azure/gpt-35-turbo": [PLAIN],
    "azure/us/gpt-4o-2024-08-06": [PLAIN, CACHED],
    "azure/eu/gpt-4o-2024-11-20": [PLAIN],
    "azure/eu/gpt-5.1": [PLAIN, CACHED],
    "azure/global-standard/gpt-4o-mini": [PLAIN],
    "mistral/mistral-large-latest": [PLAIN],
    "mistral/mistral-small-latest": [PLAIN],
    "mistral/devstral-latest": [PLAIN],
    "mistral/ministral-3b-latest": [PLAIN],
    "mistral/mistral-medium-2604": [PLAIN],
    "deepseek/deepseek-v3.2": [PLAIN, CACHED],
    "deepseek/deepseek-chat": [PLAIN],
    "groq/openai/gpt-oss-120b": [PLAIN, CACHED],
    "groq/openai/gpt-oss-20b": [PLAIN],
    "together_ai/meta-llama/Llama-3.3-70B-Instruct-Turbo": [PLAIN],
    "together_ai/zai-org/GLM-5.2": [PLAIN, CACHED],
    "together_ai/moonshotai/Kimi-K3": [PLAIN, CACHED],
    "fireworks_ai/accounts/fireworks/models/glm-4p7": [PLAIN, CACHED],
    "fireworks_ai/accounts/fireworks/models/gpt-oss-120b": [PLAIN],
    "fireworks_ai/accounts/fireworks/models/llama-v3p1-8b-instruct": [PLAIN],
    "cerebras/gpt-oss-120b": [PLAIN],
    "cerebras/llama3.1-8b": [PLAIN],
    "moonshot/kimi-k3": [PLAIN, CACHED],
    "moonshot/kimi-k2.5": [PLAIN, CACHED],
    "deepinfra/deepseek-ai/DeepSeek-V3.1": [PLAIN, CACHED],
    "deepinfra/Qwen/Qwen3-32B": [PLAIN],
    "sambanova/gpt-oss-120b": [PLAIN],
    "sambanova/Meta-Llama-3.3-70B-Instruct": [PLAIN],
    "novita/deepseek/deepseek-v3.2": [PLAIN, CACHED],
    "nebius/Qwen/Qwen3-32B": [PLAIN],
    "zai/glm-4.6": [PLAIN, CACHED],
    "volcengine/doubao-seed-2-0-pro-260215": [PLAIN, tokens(40_000, 100), tokens(130_000, 100)],
    "dashscope/qwen-flash": [PLAIN, tokens(256_000, 100), tokens(256_001, 100), LONG],
    "dashscope/qwen3-max": [PLAIN, tokens(32_000, 100), tokens(32_001, 100), tokens(128_001, 100)],
    "dashscope/qwen3-coder-plus": [PLAIN, tokens(128_001, 100)],
    "dashscope/qwen-plus": [PLAIN, LONG],
    "dashscope/qwen-max": [PLAIN],
    "lambda_ai/deepseek-r1-671b": [PLAIN],
    "hyperbolic/meta-llama/Llama-3.3-70B-Instruct": [PLAIN],
    "ollama/llama3": [PLAIN],
    "ollama/mistral": [LONG],
}
def matches_table(model):
    return model in litellm.model_cost or model.split("/", 1)[1] in litellm.model_cost


for model, shapes in CHAT.items():
    if not matches_table(model):
        print("not in the table:", model)
        continue
    for usage in shapes:
        more = {"service_tier": "default"} if model.startswith(("openai/", "groq/")) else {}
        add("chat", model, chat_answer(usage, **more))

# Service tiers: the answer's tier is the bill's.
for model in ["gpt-4o", "gpt-4.1", "gpt-5", "gpt-5-mini", "gpt-5.4", "gpt-5.5", "gpt-5.6-sol", "o3", "o4-mini"]:
    known = figures(model)
    for tier in ["priority", "flex"]:
        if f"input_cost_per_token_{tier}" not in known:
            continue
        for usage in [PLAIN, CACHED, REASONED]:
            add("chat", f"openai/{model}", chat_answer(usage, service_tier=tier), {"service_tier": tier})
    if "input_cost_per_token_priority" in known:
        price = known["input_cost_per_token_priority"] * 1000 + known["output_cost_per_token_priority"] * 500
        rule = "the tier of the answer is the tier of the bill; fast is OpenAI's newer word for priority"
        add("chat", f"openai/{model}", chat_answer(PLAIN, service_tier="priority"), None, price, rule)
        add("chat", f"openai/{model}", chat_answer(PLAIN, service_tier="fast"), None, price, rule)
        plain = known["input_cost_per_token"] * 1000 + known["output_cost_per_token"] * 500
        rule = "a call that was downgraded is billed at the tier of its answer"
        add("chat", f"openai/{model}", chat_answer(PLAIN, service_tier="default"), {"service_tier": "priority"}, plain, rule)

# Sound in chats.
AUDIO = [
    tokens(1000, 500, prompt_details={"audio_tokens": 400, "text_tokens": 600}, completion_details={"audio_tokens": 300, "text_tokens": 200}),
    tokens(1000, 500, prompt_details={"audio_tokens": 1000, "text_tokens": 0}),
    tokens(1000, 500, completion_details={"audio_tokens": 500, "text_tokens": 0}),
]
for model in ["gpt-audio", "gpt-audio-mini", "gpt-4o-audio-preview-2025-06-03", "gpt-4o-mini-audio-preview-2024-12-17"]:
    for usage in [PLAIN, *AUDIO]:
        add("chat", f"openai/{model}", chat_answer(usage, service_tier="default"))

# xAI: reasoning beside the completion; the total says so. Ticks are the bill.
XAI = "xAI's reasoning tokens are beside the completion; the total says so"
for model in ["grok-4.3", "grok-4.5", "grok-4.6", "grok-4.7", "grok-4.20", "grok-4.20-0309-reasoning"]:
    if f"xai/{model}" not in litellm.model_cost:
        continue
    known = figures(f"xai/{model}")
    for prompt, completion, reasoning in [(1000, 100, 300), (1000, 500, 300), (1000, 1, 300), (237, 237, 1901)]:
        usage = tokens(prompt, completion, prompt + completion + reasoning, completion_details={"reasoning_tokens": reasoning})
        cost = prompt * known["input_cost_per_token"] + (completion + reasoning) * known["output_cost_per_token"]
        add("chat", f"xai/{model}", chat_answer(usage), None, cost, XAI)
    inside = tokens(1000, 500, 1500, completion_details={"reasoning_tokens": 300})
    cost = 1000 * known["input_cost_per_token"] + 500 * known["output_cost_per_token"]
    add("chat", f"xai/{model}", chat_answer(inside), None, cost, "the total says that the reasoning is inside")
    add("chat", f"xai/{model}", chat_answer(PLAIN))
    add("chat", f"xai/{model}", chat_answer(tokens(1000, 500, cost_in_usd_ticks=123_000_000)), None, 0.0123, "xAI's ticks are the bill: 1e10 are a dollar")
    above = known.get("input_cost_per_token_above_200k_tokens")
    if above:
        cost = 200_000 * above + 10 * known["output_cost_per_token_above_200k_tokens"]
        add("chat", f"xai/{model}", chat_answer(tokens(200_000, 10)), None, cost, "xAI's tier begins at 200,000 itself")

# The provider's own bill, where it is documented, and nowhere else.
add("chat", "openrouter/openai/gpt-4o", chat_answer(tokens(1000, 500, cost=0.0123)), None, 0.0123, "OpenRouter's usage.cost is the bill")
add("chat", "openrouter/openai/gpt-4o", chat_answer(tokens(1000, 500, cost=-1)), None, 0.0075, "a negative bill is ignored")
add("chat", "openai/gpt-4o", chat_answer(tokens(1000, 500, cost=5), service_tier="default"), None, 0.0075, "nobody documents a bill of this provider")
add("chat", "groq/openai/gpt-oss-120b", chat_answer(tokens(1000, 500, cost=5), service_tier="on_demand"), None, figures("groq/openai/gpt-oss-120b")["input_cost_per_token"] * 1000 + figures("groq/openai/gpt-oss-120b")["output_cost_per_token"] * 500, "nobody documents a bill of this provider")

# Perplexity.
DEEP = "Perplexity's five prices of deep research: 2 in, 8 out, 2 citations, 3 reasoning a million, 5 a thousand searches"
def deep(prompt, completion, citations, searches, reasoning):
    return (prompt * 2 + completion * 8 + citations * 2 + reasoning * 3) / 1e6 + searches * 0.005
for prompt, completion, citations, searches, reasoning in [(33, 7163, 20016, 18, 95305), (108, 3256, 7299, 74, 73248), (10, 10, 0, 1, 0), (1000, 1000, 1000, 0, 1000)]:
    usage = tokens(prompt, completion, prompt + completion, citation_tokens=citations, num_search_queries=searches, reasoning_tokens=reasoning)
    add("chat", "perplexity/sonar-deep-research", chat_answer(usage), None, deep(prompt, completion, citations, searches, reasoning), DEEP)
for model, fees in {"sonar": {"low": 0.005, "medium": 0.008, "high": 0.012}, "sonar-pro": {"low": 0.006, "medium": 0.01, "high": 0.014}}.items():
    known = figures(f"perplexity/{model}")
    plain = known["input_cost_per_token"] * 1000 + known["output_cost_per_token"] * 500
    rule = "Perplexity's fee of a call by the size of its search context; low unless asked"
    add("chat", f"perplexity/{model}", chat_answer(PLAIN), None, plain + fees["low"], rule)
    for size, fee in fees.items():
        add("chat", f"perplexity/{model}", chat_answer(PLAIN), {"web_search_options": {"search_context_size": size}}, plain + fee, rule)
    bill = {"input_tokens_cost": 0.003, "output_tokens_cost": 0.0075, "request_cost": 0.006, "total_cost": 0.0165}
    add("chat", f"perplexity/{model}", chat_answer(tokens(1000, 500, cost=bill)), None, 0.0165, "Perplexity's usage.cost.total_cost is the bill")

# Members of other dialects.
flash = figures("deepseek/deepseek-v3.2")
hit = flash["cache_read_input_token_cost"]
cost = 600 * flash["input_cost_per_token"] + 400 * hit + 500 * flash["output_cost_per_token"]
add("chat", "deepseek/deepseek-v3.2", chat_answer(tokens(1000, 500, prompt_cache_hit_tokens=400, prompt_cache_miss_tokens=600)), None, cost, "DeepSeek's cache counts")
kimi = figures("moonshot/kimi-k3")
cost = 600 * kimi["input_cost_per_token"] + 400 * kimi["cache_read_input_token_cost"] + 500 * kimi["output_cost_per_token"]
add("chat", "moonshot/kimi-k3", chat_answer(tokens(1000, 500, cached_tokens=400)), None, cost, "Moonshot tells cached tokens at the top")
add("chat", "openai/gpt-4o", chat_answer({"prompt_tokens": "1000", "completion_tokens": "500", "total_tokens": "1500"}, service_tier="default"), None, 0.0075, "numbers in texts are numbers")

# Anthropic's Messages.
WRITES = {"input_tokens": 1000, "output_tokens": 500, "cache_creation_input_tokens": 3000, "cache_read_input_tokens": 2000}
MESSAGES = [
    {"input_tokens": 1000, "output_tokens": 500},
    {"input_tokens": 0, "output_tokens": 500, "cache_read_input_tokens": 4000},
    WRITES,
    {**WRITES, "cache_creation": {"ephemeral_5m_input_tokens": 1000, "ephemeral_1h_input_tokens": 2000}},
    {**WRITES, "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 3000}},
    {"input_tokens": 1, "output_tokens": 250_000, "cache_read_input_tokens": 199_001},
    {"input_tokens": 1, "output_tokens": 1, "service_tier": "standard"},
]
for model in ["claude-haiku-4-5", "claude-sonnet-4-5", "claude-sonnet-4-6", "claude-opus-4-5", "claude-opus-4-6", "claude-opus-4-8", "claude-sonnet-5", "claude-opus-5"]:
    if model not in litellm.model_cost:
        continue
    for usage in MESSAGES:
        add("messages", f"anthropic/{model}", messages_answer(usage))
    searched = {"input_tokens": 1000, "output_tokens": 500, "server_tool_use": {"web_search_requests": 3}}
    known = figures(model)
    cost = 1000 * known["input_cost_per_token"] + 500 * known["output_cost_per_token"] + 0.03
    add("messages", f"anthropic/{model}", messages_answer(searched), None, cost, "Anthropic bills 10 for a thousand web searches")

# Responses.
def response_tokens(given, answered, cached=0, reasoning=0):
    return {
        "input_tokens": given,
        "output_tokens": answered,
        "total_tokens": given + answered,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens_details": {"reasoning_tokens": reasoning},
    }
RESPONSES = [response_tokens(1000, 500), response_tokens(2000, 500, 1500), response_tokens(1000, 900, 0, 700), response_tokens(300_000, 1000, 100_000)]
for model in ["gpt-4o", "gpt-4.1", "gpt-5", "gpt-5-mini", "gpt-5.4", "gpt-5.5", "o3"]:
    for usage in RESPONSES:
        add("responses", f"openai/{model}", responses_answer(usage, service_tier="default"))
    searches = [{"id": f"ws_{i}", "type": "web_search_call", "status": "completed", "action": {"type": "search", "query": "q"}} for i in range(3)]
    known = figures(model)
    search = known.get("search_context_cost_per_query", {}).get("search_context_size_medium", 0.01)
    cost = 1000 * known["input_cost_per_token"] + 500 * known["output_cost_per_token"] + 3 * search
    rule = "OpenAI bills each web search"
    if model not in ("gpt-4o",):
        add("responses", f"openai/{model}", responses_answer(response_tokens(1000, 500), searches, service_tier="default"), {"tools": [{"type": "web_search"}]}, cost, rule)

# Embeddings.
for model in ["openai/text-embedding-3-small", "openai/text-embedding-3-large", "openai/text-embedding-ada-002", "mistral/mistral-embed"]:
    for count in [1, 1000, 8191]:
        add("embeddings", model, embedding_answer({"prompt_tokens": count, "total_tokens": count}))
add("embeddings", "openai/text-embedding-3-small", embedding_answer({"total_tokens": 1000}), None, 1000 * 2e-08, "a total alone is the prompt")

# Anthropic: compaction, residency, searches, speed.
def claude(model, usage):
    known = figures(model)
    write = usage.get("cache_creation_input_tokens", 0)
    return (
        usage["input_tokens"] * known["input_cost_per_token"]
        + usage["output_tokens"] * known["output_cost_per_token"]
        + usage.get("cache_read_input_tokens", 0) * known["cache_read_input_token_cost"]
        + write * known["cache_creation_input_token_cost"]
    )
for model in ["claude-sonnet-4-5", "claude-opus-4-6", "claude-sonnet-5"]:
    plain = {"input_tokens": 1000, "output_tokens": 500}
    iterations = [
        {"type": "compaction", "input_tokens": 180_000, "output_tokens": 3_500},
        {"type": "message", **plain},
    ]
    cost = claude(model, plain) + claude(model, iterations[0])
    add("messages", f"anthropic/{model}", messages_answer({**plain, "iterations": iterations}), None, cost, "Anthropic bills the compaction beside the answer; usage.iterations has both")
for model in ["claude-opus-4-6", "claude-sonnet-5"]:
    plain = {"input_tokens": 1000, "output_tokens": 500}
    add("messages", f"anthropic/{model}", messages_answer({**plain, "inference_geo": "us"}), None, claude(model, plain) * 1.1, "Anthropic's residency in the US costs a tenth more")
    add("messages", f"anthropic/{model}", messages_answer({**plain, "inference_geo": "global"}), None, claude(model, plain), "worldwide inference costs the list price")

# Base models name the price of a deployment.
for model, base in [
    ("azure/my-deployment", "azure/gpt-4o"),
    ("azure/my-deployment", "azure/gpt-4.1"),
    ("azure/my-deployment", "azure/gpt-5"),
    ("azure/my-deployment", "azure/gpt-4-1106-preview"),
    ("azure/my-deployment", "azure/gpt-35-turbo"),
    ("azure/my-deployment", "azure/us/gpt-4o-2024-08-06"),
    ("azure/my-deployment", "azure/eu/gpt-4o-2024-11-20"),
    ("azure/my-deployment", "azure/global-standard/gpt-4o-mini"),
    ("azure/my-deployment", "gpt-4o"),
    ("azure/my-deployment", "o3"),
    ("openai/own-name", "claude-sonnet-4-5"),
    ("openai/own-name", "gpt-4.1"),
    ("litellm_proxy/own-name", "deepseek/deepseek-v3.2"),
    ("hosted_vllm/own-name", "together_ai/zai-org/GLM-5.2"),
]:
    known = figures(base)
    cost = 1000 * known["input_cost_per_token"] + 500 * known["output_cost_per_token"]
    answered = chat_answer(PLAIN, service_tier="default")
    add("chat", model, answered, None, cost, f"the price of {base}", None, {"base_model": base})
    add("chat", model, answered, None, cost, f"the price of {base}", {"base_model": base})

# Prices that a file writes.
TIERS = [
    {"range": [0, 500], "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
    {"range": [500, 1_000_000], "input_cost_per_token": 3e-6, "output_cost_per_token": 6e-6},
]
for prompt, cost in [(499, 499e-6 + 1000e-6), (500, 500e-6 + 1000e-6), (501, 3 * 501e-6 + 3000e-6), (1000, 0.006)]:
    add("chat", "openai/gpt-4o", chat_answer(tokens(prompt, 500), service_tier="default"), None, cost, "the tier that holds the prompt prices the whole call", {"tiered_pricing": TIERS})
add("chat", "openai/gpt-4o", chat_answer(PLAIN, service_tier="default"), None, 0.003 + 0.005, "a price set in part keeps the table's rest", {"input_cost_per_token": 3e-6})
add("chat", "openai/gpt-4o", chat_answer(CACHED, service_tier="default"), None, 500 * 3e-6 + 1500 * 1.25e-6 + 500 * 9e-6, "a price set in part keeps the table's rest", {"input_cost_per_token": 3e-6, "output_cost_per_token": 9e-6})
add("chat", "openai/gpt-4o", chat_answer(PLAIN, service_tier="priority"), None, 1000 * 8e-6 + 500 * 16e-6, "the file's price of the tier", {"input_cost_per_token": 2e-6, "output_cost_per_token": 4e-6, "input_cost_per_token_priority": 8e-6, "output_cost_per_token_priority": 16e-6})
add("chat", "xai/grok-4.3", chat_answer(tokens(1000, 500, cost_in_usd_ticks=1)), None, 0.005, "a price that the operator wrote outranks the provider's bill", {"input_cost_per_token": 2e-6, "output_cost_per_token": 6e-6})
add("chat", "hosted_vllm/own", chat_answer(tokens(100_001, 10)), None, 100_001 * 2e-6 + 10 * 4e-6, "above 100k", {"input_cost_per_token": 1e-6, "output_cost_per_token": 3e-6, "input_cost_per_token_above_100k_tokens": 2e-6, "output_cost_per_token_above_100k_tokens": 4e-6})

seen = set()
unique = []
for row in rows:
    text = json.dumps(row, sort_keys=True)
    if text not in seen:
        seen.add(text)
        unique.append(row)
with open(HERE / "rows.json", "w") as file:
    file.write("[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in unique) + "\n]\n")
print(len(unique), "rows,", sum(row["by"].startswith("LiteLLM") for row in unique), "by LiteLLM")
server.shutdown()
