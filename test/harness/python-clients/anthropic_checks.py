"""What programs do with `anthropic`."""

import asyncio

from anthropic import Anthropic, AsyncAnthropic

from checks import WEATHER, Setup, check, refusal, user


def client(key: str = "main", **options) -> Anthropic:
    return Anthropic(base_url=Setup.url, api_key=Setup.keys[key], **options)


ASKED = {"model": "m-claude", "messages": user("anthropic"), "max_tokens": 3}


def ask(key: str = "main", *, options: dict = {}, **body):
    return client(key, **options).messages.create(**{**ASKED, **body})


@check("anthropic")
def asks():
    answer = ask()
    return [answer.content[0].text, answer.usage.output_tokens, answer.stop_reason]


@check("anthropic")
def streams():
    with client().messages.stream(**ASKED) as stream:
        return ["".join(stream.text_stream), stream.get_final_message().usage.output_tokens]


@check("anthropic")
def streams_events():
    return [event.type for event in ask(stream=True, max_tokens=1)]


@check("anthropic")
def calls_tools():
    tool = {"name": WEATHER["name"], "description": WEATHER["description"], "input_schema": WEATHER["parameters"]}
    asked = ask(model="m-claude-tools", tools=[tool])
    call = asked.content[0]
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "3 degrees"}]}
    messages = [*ASKED["messages"], {"role": "assistant", "content": asked.content}, result]
    told = ask(model="m-claude-tools", tools=[tool], messages=messages)
    return [call.name, call.input, asked.stop_reason, told.content[0].text]


@check("anthropic")
def counts_tokens():
    return client().messages.count_tokens(model="m-claude", messages=ASKED["messages"]).input_tokens


@check("anthropic")
def lists_models():
    """Programs choose a model by name and size."""
    listed = client("narrow").models.list()
    facts = [[each.type, each.id, each.display_name, each.max_input_tokens, each.max_tokens] for each in listed]
    return [facts, client("narrow").models.retrieve("m-out").display_name]


@check("anthropic")
def calls_at_the_same_time():
    async def all_calls():
        async with AsyncAnthropic(base_url=Setup.url, api_key=Setup.keys["main"]) as parallel:
            answers = await asyncio.gather(*[parallel.messages.create(**ASKED) for _ in range(3)])
            async with parallel.messages.stream(**ASKED) as stream:
                return [*[answer.content[0].text for answer in answers], await stream.get_final_text()]

    return asyncio.run(all_calls())


@check("anthropic")
def bearer_token():
    """Claude's tools send `ANTHROPIC_AUTH_TOKEN` so."""
    bearer = Anthropic(base_url=Setup.url, auth_token=Setup.keys["main"])
    return bearer.messages.create(**ASKED).content[0].text


@check("anthropic")
def reads_headers():
    raw = client().messages.with_raw_response.create(**ASKED)
    names = ["x-litellm-response-cost", "x-litellm-model-id"]
    return {name: raw.headers.get(name) for name in names}


@check("anthropic")
def keeps_ids():
    return [ask(model="m-claude-ids").id]


@check("anthropic")
def refused_unknown_key():
    return refusal(lambda: ask("unknown"))


@check("anthropic")
def refused_model():
    return refusal(lambda: ask("narrow"))


@check("anthropic")
def refused_bad_request():
    return refusal(lambda: ask(max_tokens=-1))


@check("anthropic")
def refused_budget():
    return refusal(lambda: ask("poor", options={"max_retries": 5}))


@check("anthropic")
def stream_breaks():
    def read():
        with client().messages.stream(**{**ASKED, "model": "m-claude-broken"}) as stream:
            stream.until_done()

    return refusal(read)
