"""What programs do with LiteLLM's SDK in front of a proxy."""

import asyncio

import litellm

from checks import WEATHER, Setup, check, refusal, user

litellm.suppress_debug_info = True


def where(key: str = "main") -> dict[str, str]:
    return {"api_base": f"{Setup.url}", "api_key": Setup.keys[key]}


def complete(model: str = "m-out", key: str = "main", text: str = "litellm", **body):
    asked = {"messages": user(text), "max_tokens": 3, "num_retries": 0, "max_retries": 0, **body}
    return litellm.completion(model=f"litellm_proxy/{model}", **where(key), **asked)


@check("litellm")
def completes():
    answer = complete()
    return [answer.choices[0].message.content, answer.usage.completion_tokens]


@check("litellm")
def streams():
    chunks = list(complete(stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    usages = [usage.completion_tokens for chunk in chunks if (usage := getattr(chunk, "usage", None))]
    return [text, usages]


@check("litellm")
def calls_tools():
    answer = complete("m-tools", tools=[{"type": "function", "function": WEATHER}])
    function = answer.choices[0].message.tool_calls[0].function
    return [function.name, function.arguments]


@check("litellm")
def embeds():
    answer = litellm.embedding(model="litellm_proxy/m-embed", input=["litellm"], **where())
    return answer.data[0]["embedding"]


@check("litellm")
def responds():
    # The SDK raises fewer than 16 tokens to 16.
    asked = {"input": "litellm", "max_output_tokens": 20}
    answer = litellm.responses(model="litellm_proxy/m-out", **asked, **where())
    return [answer.output[0].content[0].text, answer.usage.output_tokens]


@check("litellm")
def calls_at_the_same_time():
    async def all_calls():
        asked = {"model": "litellm_proxy/m-out", "messages": user("litellm"), "max_tokens": 3, **where()}
        answers = await asyncio.gather(*[litellm.acompletion(**asked) for _ in range(3)])
        return [answer.choices[0].message.content for answer in answers]

    return asyncio.run(all_calls())


@check("litellm")
def names_tags():
    """The three ways of LiteLLM's pages."""
    complete(text="litellm names tags 1", extra_body={"metadata": {"tags": ["litellm-metadata"]}})
    complete(text="litellm names tags 2", extra_body={"tags": ["litellm-body"], "litellm_session_id": "s"})
    complete(text="litellm names tags 3", extra_headers={"x-litellm-tags": "litellm-header"})
    return True


@check("litellm")
def keeps_ids():
    return [complete("m-ids").id]


@check("litellm")
def refused_unknown_key():
    return refusal(lambda: complete(key="unknown"))


@check("litellm")
def refused_model():
    return refusal(lambda: complete("m-deny", key="narrow"))


@check("litellm")
def refused_budget():
    return refusal(lambda: complete(key="poor"))


@check("litellm")
def context_overflows():
    return refusal(lambda: complete("m-overflow"))
