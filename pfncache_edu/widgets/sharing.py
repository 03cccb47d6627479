"""JSON in which what is said twice is written once: levels of a widget have most of their source and steps in common.

    share({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]})  ->  {"parts": [[1, 2, 3, 4]], "whole": {"a": {"=": 0}, "b": {"=": 0}}}

`{"=": i}` stands for part i, which may contain others. `unshare` in scheduler.js, and here, puts the parts back.
"""
from __future__ import annotations

import json
from collections import Counter

SHORTEST = 7          # characters: writing {"=":12} is no shorter than writing the thing itself


def share(value) -> dict:
    """The same JSON with its repeated parts said once."""
    times: Counter[str] = Counter()
    _count(value, times)
    parts: list = []
    numbers: dict[str, int] = {}

    def written(value):
        text = compact(value)
        if times[text] < 2:
            return inside(value)
        if text not in numbers:
            part = inside(value)
            numbers[text] = len(parts)
            parts.append(part)
        return {"=": numbers[text]}

    def inside(value):
        if isinstance(value, dict):
            return {key: written(part) for key, part in value.items()}
        return [written(part) for part in value] if isinstance(value, list) else value

    whole = written(value)
    return {"parts": parts, "whole": whole}


def unshare(shared: dict):
    """What `share` was given."""
    parts: list = []

    def put_back(value):
        if isinstance(value, dict):
            return parts[value["="]] if value.keys() == {"="} else {key: put_back(part) for key, part in value.items()}
        return [put_back(part) for part in value] if isinstance(value, list) else value

    for part in shared["parts"]:
        parts.append(put_back(part))
    return put_back(shared["whole"])


def compact(value) -> str:
    """JSON without a space too many."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _count(value, times: Counter) -> None:
    text = compact(value)
    if len(text) <= SHORTEST:
        return
    times[text] += 1
    if times[text] == 1 and isinstance(value, (dict, list)):
        for part in value.values() if isinstance(value, dict) else value:
            _count(part, times)
