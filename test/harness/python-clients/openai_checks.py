"""What programs do with `openai`."""

import asyncio

from openai import VERSION, AsyncOpenAI, OpenAI

from checks import WEATHER, Setup, check, refusal, user


def client(key: str = "main", **options) -> OpenAI:
    return OpenAI(base_url=f"{Setup.url}/v1", api_key=Setup.keys[key], **options)


def chat(key: str = "main", model: str = "m-out", *, options: dict = {}, **body):
    asked = {"model": model, "messages": user("openai"), "max_tokens": 3, **body}
    return client(key, **options).chat.completions.create(**asked)


@check("openai")
def chats():
    answer = chat()
    return [answer.choices[0].message.content, answer.usage.completion_tokens, answer.model]


@check("openai")
def streams():
    chunks = list(chat(stream=True))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    return [text, [chunk.usage for chunk in chunks if chunk.usage]]


@check("openai")
def streams_with_usage():
    chunks = list(chat(stream=True, stream_options={"include_usage": True}))
    return [chunk.usage.completion_tokens for chunk in chunks if chunk.usage]


@check("openai")
def calls_tools():
    tools = [{"type": "function", "function": WEATHER}]
    messages = user("openai")
    asked = chat(model="m-tools", messages=messages, tools=tools).choices[0].message
    call = asked.tool_calls[0]
    result = {"role": "tool", "tool_call_id": call.id, "content": "3 degrees"}
    told = chat(model="m-tools", messages=[*messages, asked.model_dump(exclude_none=True), result], tools=tools)
    return [call.function.name, call.function.arguments, told.choices[0].message.content]


@check("openai")
def embeds():
    answer = client().embeddings.create(model="m-embed", input="openai")
    return [answer.data[0].embedding, answer.usage.prompt_tokens]


@check("openai")
def responds():
    answer = client().responses.create(model="m-out", input="openai", max_output_tokens=3)
    return [answer.output_text, answer.usage.output_tokens]


@check("openai")
def responds_in_a_stream():
    with client().responses.stream(model="m-out", input="openai", max_output_tokens=3) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        return [text, stream.get_final_response().usage.output_tokens]


@check("openai")
def calls_at_the_same_time():
    async def all_calls():
        async with AsyncOpenAI(base_url=f"{Setup.url}/v1", api_key=Setup.keys["main"]) as parallel:
            asked = {"model": "m-out", "messages": user("openai"), "max_tokens": 3}
            calls = [parallel.chat.completions.create(**asked) for _ in range(3)]
            stream = await parallel.chat.completions.create(**asked, stream=True)
            streamed = [chunk.choices[0].delta.content or "" async for chunk in stream]
            return [*[answer.choices[0].message.content for answer in await asyncio.gather(*calls)], "".join(streamed)]

    return asyncio.run(all_calls())


@check("openai")
def lists_models():
    narrow = client("narrow")
    return [[model.id for model in narrow.models.list()], narrow.models.retrieve("m-out").id]


@check("openai")
def reads_headers():
    asked = {"model": "m-out", "messages": user("openai"), "max_tokens": 3}
    raw = client().chat.completions.with_raw_response.create(**asked)
    names = ["x-litellm-response-cost", "x-litellm-model-id", "x-litellm-call-id", "x-request-id"]
    return [raw.parse().choices[0].message.content, {name: raw.headers.get(name) for name in names}]


@check("openai")
def keeps_ids():
    """Programs keep the id of an answer, not its headers."""
    response = client().responses.create(model="m-ids", input="openai", max_output_tokens=3)
    return [chat(model="m-ids").id, response.id]


@check("openai")
def names_a_session():
    headers = {"x-litellm-session-id": f"session-openai-{VERSION.split('.')[0]}"}
    return chat(options={"default_headers": headers}).choices[0].message.content


@check("openai")
def times_out_by_a_header():
    """The gateway does not see the client's own timeout. The upstream never answers."""
    options = {"default_headers": {"x-litellm-timeout": "0.3"}, "max_retries": 0, "timeout": 30}
    return refusal(lambda: chat(model="m-hang", options=options))


@check("openai")
def retries_by_a_header():
    """The upstream answers the second attempt of each user."""
    options = {"default_headers": {"x-litellm-num-retries": "1"}, "max_retries": 0}
    return chat(model="m-busy", user=f"header-{VERSION}", options=options).choices[0].message.content


@check("openai")
def names_its_call():
    headers = {"x-litellm-call-id": f"call-of-openai-{VERSION.split('.')[0]}"}
    asked = {"model": "m-out", "messages": user("openai"), "max_tokens": 3}
    return client(default_headers=headers).chat.completions.with_raw_response.create(**asked).headers["x-litellm-call-id"]


@check("openai")
def refused_unknown_key():
    return refusal(lambda: chat("unknown"))


@check("openai")
def refused_model():
    return refusal(lambda: chat("narrow", "m-deny"))


@check("openai")
def refused_bad_request():
    return refusal(lambda: chat(n=-1))


@check("openai")
def refused_unknown_model():
    return refusal(lambda: client().models.retrieve("m-unknown"))


@check("openai")
def refused_budget():
    return refusal(lambda: chat("poor", options={"max_retries": 5}))


@check("openai")
def refused_rate():
    """The key allows one call a minute. A minute may end between two calls, not between three."""
    key = f"slow-{VERSION.split('.')[0]}"
    return refusal(lambda: [chat(key, options={"max_retries": 0}) for _ in range(3)])


@check("openai")
def retries_a_busy_upstream():
    """The upstream answers the second attempt of each user."""
    return chat(model="m-busy", user=VERSION).choices[0].message.content


@check("openai")
def times_out():
    """The client gives up before the gateway does."""
    return refusal(lambda: chat(model="m-slow", options={"timeout": 0.3, "max_retries": 0}))


@check("openai")
def upstream_times_out():
    return refusal(lambda: chat(model="m-slow", options={"max_retries": 0}))


@check("openai")
def stream_breaks():
    def read():
        for _ in chat(model="m-broken", stream=True):
            pass

    return refusal(read)


@check("openai")
def context_overflows():
    return refusal(lambda: chat(model="m-overflow"))
