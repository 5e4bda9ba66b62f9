"""An extractive summary: the sentences of a text that say most of it, one after the other.

SumBasic (Nenkova and Vanderwende, 2005): the next sentence is the one whose words are the most
frequent on average; then its words count less, so that the one after it says something else.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

SENTENCE = re.compile(r"[^.!?\n]+(?:[.!?]+[\"'”’)\]]*|\n|$)")
WORD = re.compile(r"[^\W\d_]{2,}")
SHORT_LETTERS = 3  # such words ("the", "und") are in every sentence, and say nothing of one
COMMON_WORDS = 10
SENTENCE_LETTERS = 2000  # of a text without a full stop


@dataclass
class Count:
    word: str
    count: int


@dataclass
class Sentence:
    """A sentence that was chosen: `position` is its place in the text, from 1."""

    position: int
    text: str
    score: float


@dataclass
class Statistics:
    """Statistics of a text, and its most frequent words of four letters and more."""

    words: int
    distinct_words: int
    sentences: int
    common_words: list[Count] = field(default_factory=list)


def summarise(text: str, sentences: int) -> Iterator[Statistics | Sentence]:
    """Yield the statistics of a text, then its sentences, those that say most first."""
    found = [part.strip()[:SENTENCE_LETTERS] for part in SENTENCE.findall(text)]
    found = [part for part in found if WORD.search(part)]
    words_of = [[word.casefold() for word in WORD.findall(part)] for part in found]
    counts = Counter(word for words in words_of for word in words)
    telling = [[word for word in words if len(word) > SHORT_LETTERS] for words in words_of]
    weights = Counter(word for words in telling for word in words)
    common = sorted(weights.items(), key=lambda item: (-item[1], item[0]))[:COMMON_WORDS]
    yield Statistics(
        counts.total(), len(counts), len(found), [Count(word, number) for word, number in common]
    )
    total = weights.total()
    probability = {word: count / total for word, count in weights.items()}
    left = {place for place, words in enumerate(telling) if words}
    for _ in range(min(sentences, len(left))):
        scores = {
            place: sum(probability[word] for word in telling[place]) / len(telling[place])
            for place in left
        }
        best = max(left, key=lambda place: (scores[place], -place))
        left.discard(best)
        for word in set(telling[best]):
            probability[word] **= 2
        yield Sentence(best + 1, found[best], round(scores[best], 6))


def as_result(parts: list[Statistics | Sentence]) -> dict[str, Any]:
    """Return the parts as the data of a result; the chosen sentences as they are in the text."""
    chosen = [asdict(part) for part in parts if isinstance(part, Sentence)]
    statistics = next(asdict(part) for part in parts if isinstance(part, Statistics))
    return statistics | {"summary": sorted(chosen, key=lambda one: one["position"])}
