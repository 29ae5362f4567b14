"""What programs do with `openai-agents`."""

import asyncio

from agents import (
    Agent,
    ModelSettings,
    OpenAIChatCompletionsModel,
    OpenAIResponsesModel,
    Runner,
    function_tool,
    set_tracing_disabled,
)
from openai import AsyncOpenAI
from pydantic import BaseModel

from checks import Setup, check, refusal

# Traces would be sent to OpenAI.
set_tracing_disabled(True)

APIS = {"chat": OpenAIChatCompletionsModel, "responses": OpenAIResponsesModel}


class Weather(BaseModel):
    city: str
    degrees: int


@function_tool
def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"3 degrees in {city}"


def agent(api: str, model: str = "m-out", key: str = "agents", **options) -> Agent:
    client = AsyncOpenAI(base_url=f"{Setup.url}/v1", api_key=Setup.keys[key])
    settings = ModelSettings(max_tokens=3, include_usage=True)
    return Agent(name=f"agent-{api}", model=APIS[api](model, client), model_settings=settings, **options)


def facts(result):
    usage = result.context_wrapper.usage
    outputs = [item.output for item in result.new_items if item.type == "tool_call_output_item"]
    return [result.last_agent.name, outputs, result.final_output, usage.requests, usage.output_tokens]


def run(first: Agent):
    return facts(Runner.run_sync(first, "agents"))


def stream(first: Agent):
    async def read():
        result = Runner.run_streamed(first, "agents")
        deltas = [
            event.data.delta
            async for event in result.stream_events()
            if event.type == "raw_response_event" and event.data.type == "response.output_text.delta"
        ]
        return ["".join(deltas), *facts(result)]

    return asyncio.run(read())


def hand_off(api: str):
    target = agent(api)
    target.name = "target"
    return run(agent(api, "m-tools", handoffs=[target]))


@check("openai-agents")
def chats():
    return run(agent("chat"))


@check("openai-agents")
def chats_with_tools():
    return run(agent("chat", "m-tools", tools=[weather]))


@check("openai-agents")
def chats_with_tools_in_a_stream():
    return stream(agent("chat", "m-tools", tools=[weather]))


@check("openai-agents")
def chats_with_a_handoff():
    return hand_off("chat")


@check("openai-agents")
def responds():
    return run(agent("responses"))


@check("openai-agents")
def responds_with_tools():
    return run(agent("responses", "m-tools", tools=[weather]))


@check("openai-agents")
def responds_with_tools_in_a_stream():
    return stream(agent("responses", "m-tools", tools=[weather]))


@check("openai-agents")
def responds_with_a_handoff():
    return hand_off("responses")


@check("openai-agents")
def structures():
    return run(agent("chat", "m-json", output_type=Weather))[2].model_dump()


@check("openai-agents")
def keeps_ids():
    return [Runner.run_sync(agent("responses", "m-ids"), "agents").raw_responses[0].response_id]


@check("openai-agents")
def refused_unknown_key():
    return refusal(lambda: run(agent("responses", key="unknown")))


@check("openai-agents")
def refused_budget():
    return refusal(lambda: run(agent("chat", key="poor")))


@check("openai-agents")
def refused_budget_in_responses():
    return refusal(lambda: run(agent("responses", key="poor")))


@check("openai-agents")
def refused_budget_in_a_stream():
    return refusal(lambda: stream(agent("responses", key="poor")))
