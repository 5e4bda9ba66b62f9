"""The kind, as a worker does it."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from backend_django.processing.processor import Context, Output, Processor, parameter
from backend_django.processing.registry import register

from .summary import Count, Sentence, as_result, summarise

MAX_LETTERS = 100_000
MAX_SENTENCES = 20
SECONDS = 60


@dataclass
class SummaryParameters:
    text: str = parameter(max_length=MAX_LETTERS)
    sentences: int = parameter(
        default=3, minimum=1, maximum=MAX_SENTENCES, help_text="How many to choose."
    )


@dataclass
class SummaryResult:
    """Statistics of the text, and the sentences that say most of it, as they are in the text."""

    words: int
    distinct_words: int
    sentences: int
    common_words: list[Count]
    summary: list[Sentence]


@register
class Summary(Processor):
    name = "summaries"
    title = "Summary"
    inputs = {}
    queue = "short"
    Parameters = SummaryParameters
    Result = SummaryResult
    timeout = timedelta(seconds=SECONDS)

    def process(self, context: Context) -> Any:
        given: SummaryParameters = context.parameters
        parts = []
        for part in summarise(given.text, given.sentences):
            parts.append(part)
            context.progress(len(parts) / (given.sentences + 1))
        return Output(as_result(parts))
