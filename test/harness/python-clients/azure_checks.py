"""What programs do with the classes for Azure of `openai` and `langchain-openai`: the path names the model, the body may not."""

from langchain_openai import AzureChatOpenAI, AzureOpenAIEmbeddings
from openai import AzureOpenAI, OpenAI

from checks import Setup, check, refusal, user

VERSION = "2024-10-21"


def azure(key: str = "azure") -> dict[str, str]:
    return {"azure_endpoint": Setup.url, "api_version": VERSION, "api_key": Setup.keys[key]}


def chat_model(key: str = "azure", **options) -> AzureChatOpenAI:
    return AzureChatOpenAI(**azure(key), max_tokens=3, **options)


def client(**options) -> AzureOpenAI:
    return AzureOpenAI(**azure(), **options)


def chat(asked: AzureOpenAI, model: str, **body):
    return asked.chat.completions.create(model=model, messages=user("azure"), max_tokens=3, **body)


@check("azure")
def langchain_invokes():
    """The usual form: the body's model is null."""
    answer = chat_model(azure_deployment="m-out").invoke("azure")
    return [answer.content, answer.usage_metadata["output_tokens"]]


@check("azure")
def langchain_streams():
    chunks = list(chat_model(azure_deployment="m-out", stream_usage=True).stream("azure"))
    tokens = sum(chunk.usage_metadata["output_tokens"] for chunk in chunks if chunk.usage_metadata)
    return ["".join(chunk.content for chunk in chunks), tokens]


@check("azure")
def langchain_names_another_model():
    """A model for the counting of tokens."""
    answer = chat_model(azure_deployment="m-out", model="gpt-4o").invoke("azure")
    return [answer.content, answer.usage_metadata["output_tokens"]]


@check("azure")
def langchain_embeds():
    """Its body names the default model of its class. The length check would fetch a tokenizer from the internet."""
    embeddings = AzureOpenAIEmbeddings(**azure(), azure_deployment="m-embed", check_embedding_ctx_length=False)
    return [embeddings.embed_query("azure"), len(embeddings.embed_documents(["azure"]))]


@check("azure")
def openai_names_the_deployment():
    return chat(client(), "m-out").choices[0].message.content


@check("azure")
def openai_names_another_model():
    """The client's own deployment counts, whatever a call names."""
    return chat(client(azure_deployment="m-out"), "m-deny").choices[0].message.content


@check("azure")
def openai_streams():
    chunks = chat(client(azure_deployment="m-out"), "gpt-4o", stream=True)
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


@check("azure")
def openai_responds():
    answer = client().responses.create(model="m-out", input="azure", max_output_tokens=3)
    return [answer.output_text, answer.usage.output_tokens]


@check("azure")
def openai_lists_models():
    return [model.id for model in AzureOpenAI(**azure("narrow")).models.list()]


@check("azure")
def openai_calls_the_newer_address():
    """Azure's address that needs no version and no class of its own."""
    newer = OpenAI(base_url=f"{Setup.url}/openai/v1", api_key=Setup.keys["azure"])
    response = newer.responses.create(model="m-out", input="azure", max_output_tokens=3)
    return [chat(newer, "m-out").choices[0].message.content, response.output_text]


@check("azure")
def refused_model():
    """The deployment is checked, not the model in the body."""
    return refusal(lambda: chat_model("narrow", azure_deployment="m-deny", model="m-out").invoke("azure"))


@check("azure")
def refused_budget():
    return refusal(lambda: chat_model("poor", azure_deployment="m-out", max_retries=5).invoke("azure"))
