"""What programs do with `pydantic-ai`."""

import asyncio

from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.exceptions import (
    ModelAuthenticationError,
    ModelContextWindowExceededError,
    ModelQuotaExceededError,
    ModelRateLimitError,
)
from pydantic_ai.models.anthropic import AnthropicModel
from pydantic_ai.models.openai import OpenAIChatModel, OpenAIResponsesModel
from pydantic_ai.providers.anthropic import AnthropicProvider
from pydantic_ai.providers.azure import AzureProvider
from pydantic_ai.providers.litellm import LiteLLMProvider
from pydantic_ai.providers.openai import OpenAIProvider

from checks import Setup, check, refusal


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


def openai_provider(key: str) -> OpenAIProvider:
    return OpenAIProvider(base_url=f"{Setup.url}/v1", api_key=Setup.keys[key])


def chat(model: str = "m-out", key: str = "pydantic") -> OpenAIChatModel:
    return OpenAIChatModel(model, provider=openai_provider(key))


def responses(model: str = "m-out", key: str = "pydantic") -> OpenAIResponsesModel:
    return OpenAIResponsesModel(model, provider=openai_provider(key))


def claude(model: str = "m-claude", key: str = "pydantic") -> AnthropicModel:
    return AnthropicModel(model, provider=AnthropicProvider(base_url=Setup.url, api_key=Setup.keys[key]))


def agent(model, **options) -> Agent:
    return Agent(model, model_settings={"max_tokens": 3}, **options)


def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"3 degrees in {city}"


def answer(model, **options):
    result = agent(model, **options).run_sync("pydantic")
    return [result.output, result.usage.output_tokens, result.usage.requests]


def stream(model, **options):
    async def read():
        async with agent(model, **options).run_stream("pydantic") as result:
            text = "".join([part async for part in result.stream_text(delta=True)])
            return [text, result.usage.output_tokens, result.usage.requests]

    return asyncio.run(read())


def tools(model):
    """Returns the result of the tool that the model called, and the answer to it."""
    result = agent(model, tools=[weather]).run_sync("pydantic")
    returned = [
        part.content
        for message in result.all_messages()
        for part in message.parts
        if part.part_kind == "tool-return"
    ]
    return [returned, result.output, result.usage.requests]


@check("pydantic-ai")
def chats():
    return answer(chat())


@check("pydantic-ai")
def chats_in_a_stream():
    return stream(chat())


@check("pydantic-ai")
def chats_with_tools():
    return tools(chat("m-tools"))


@check("pydantic-ai")
def chats_with_tools_in_a_stream():
    return stream(chat("m-tools"), tools=[weather])


@check("pydantic-ai")
def chats_by_litellm_provider():
    provider = LiteLLMProvider(api_base=f"{Setup.url}", api_key=Setup.keys["pydantic"])
    return answer(OpenAIChatModel("m-out", provider=provider))


@check("pydantic-ai")
def chats_by_azure_provider():
    provider = AzureProvider(azure_endpoint=Setup.url, api_version="2024-10-21", api_key=Setup.keys["pydantic"])
    return answer(OpenAIChatModel("m-out", provider=provider))


@check("pydantic-ai")
def responds():
    return answer(responses())


@check("pydantic-ai")
def responds_in_a_stream():
    return stream(responses())


@check("pydantic-ai")
def responds_with_tools():
    return tools(responses("m-tools"))


@check("pydantic-ai")
def asks_claude():
    return answer(claude())


@check("pydantic-ai")
def asks_claude_in_a_stream():
    return stream(claude())


@check("pydantic-ai")
def asks_claude_with_tools():
    return tools(claude("m-claude-tools"))


@check("pydantic-ai")
def structures():
    """The output is a tool that the model calls, in all three APIs."""
    models = [chat("m-tools"), responses("m-tools"), claude("m-claude-tools")]
    return [agent(model, output_type=Weather).run_sync("pydantic").output.model_dump() for model in models]


@check("pydantic-ai")
def keeps_ids():
    models = [chat("m-ids"), claude("m-claude-ids")]
    return [agent(model).run_sync("pydantic").response.provider_response_id for model in models]


def category(model, error_class: type) -> dict:
    """Runs a call that must fail. Returns what a program sees, and whether the error is of a class."""
    categories = []

    def call():
        try:
            agent(model).run_sync("pydantic")
        except Exception as error:
            categories.append(isinstance(error, error_class))
            raise

    seen = refusal(call)
    return {"category": categories, "status": seen["status"], "type": seen["type"], "requests": seen["requests"]}


@check("pydantic-ai")
def refused_unknown_key():
    return category(chat(key="unknown"), ModelAuthenticationError)


@check("pydantic-ai")
def refused_budget():
    return category(chat(key="poor"), ModelRateLimitError)


@check("pydantic-ai")
def refused_budget_by_messages():
    """Anthropic's type says that waiting does not help."""
    return category(claude(key="poor"), ModelQuotaExceededError)


@check("pydantic-ai")
def context_overflows():
    return category(chat("m-overflow"), ModelContextWindowExceededError)
