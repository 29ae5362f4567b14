"""What programs do with `langchain-openai`."""

from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

from checks import Setup, check, refusal


def chat_model(model: str = "m-out", key: str = "main", **options) -> ChatOpenAI:
    return ChatOpenAI(model=model, base_url=f"{Setup.url}/v1", api_key=Setup.keys[key], max_tokens=3, **options)


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    degrees: int


@tool
def weather(city: str) -> str:
    """Tells the weather of a city."""
    return f"3 degrees in {city}"


@check("langchain")
def invokes():
    answer = chat_model().invoke("langchain")
    return [answer.content, answer.usage_metadata["output_tokens"]]


@check("langchain")
def streams():
    chunks = list(chat_model(stream_usage=True).stream("langchain"))
    tokens = sum(chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata)
    return ["".join(chunk.content for chunk in chunks), tokens]


@check("langchain")
def batches():
    return [answer.content for answer in chat_model().batch(["langchain"] * 3)]


@check("langchain")
def responds():
    answer = chat_model(use_responses_api=True).invoke("langchain")
    return [answer.text, answer.usage_metadata["output_tokens"]]


@check("langchain")
def calls_tools():
    model = chat_model("m-tools").bind_tools([weather])
    messages = [HumanMessage("langchain")]
    asked = model.invoke(messages)
    results = [ToolMessage(weather.invoke(call["args"]), tool_call_id=call["id"]) for call in asked.tool_calls]
    return [[message.content for message in results], model.invoke([*messages, asked, *results]).content]


@check("langchain")
def structures_by_schema():
    return chat_model("m-json").with_structured_output(Weather, method="json_schema").invoke("langchain").model_dump()


@check("langchain")
def structures_by_function():
    by_function = chat_model("m-tools").with_structured_output(Weather, method="function_calling")
    return by_function.invoke("langchain").model_dump()


@check("langchain")
def embeds():
    # The length check would fetch a tokenizer from the internet.
    embeddings = OpenAIEmbeddings(
        model="m-embed",
        base_url=f"{Setup.url}/v1",
        api_key=Setup.keys["main"],
        check_embedding_ctx_length=False,
    )
    return [embeddings.embed_query("langchain"), len(embeddings.embed_documents(["langchain"]))]


@check("langchain")
def names_user_and_tags():
    """The way of LiteLLM's pages for LangChain."""
    extra = {"metadata": {"tags": ["langchain-tag"], "generation_name": "g"}, "user": "langchain-user"}
    return chat_model(extra_body=extra).invoke("langchain names user and tags").content


@check("langchain")
def keeps_ids():
    return [chat_model("m-ids").invoke("langchain").response_metadata["id"]]


@check("langchain")
def times_out_by_a_header():
    model = chat_model("m-hang", default_headers={"x-litellm-timeout": "0.3"}, max_retries=0, timeout=30)
    return refusal(lambda: model.invoke("langchain"))


@check("langchain")
def refused_budget():
    return refusal(lambda: chat_model(key="poor", max_retries=5).invoke("langchain"))


@check("langchain")
def context_overflows():
    """LangChain's middleware summarises or falls back by this class."""
    return refusal(lambda: chat_model("m-overflow").invoke("langchain"))


@check("langchain")
def context_overflows_in_responses():
    return refusal(lambda: chat_model("m-overflow", use_responses_api=True).invoke("langchain"))
