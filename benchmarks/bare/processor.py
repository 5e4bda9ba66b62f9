from collections.abc import Mapping
from typing import ClassVar

from backend_django.processing.processor import Context, Input, Output, Processor
from backend_django.processing.registry import register


@register
class Nothing(Processor):
    """As much work as the tasks that it is compared with have."""

    name = "nothing"
    title = "Nothing"
    inputs: ClassVar[Mapping[str, Input]] = {}

    def process(self, context: Context) -> Output:
        return Output({})
