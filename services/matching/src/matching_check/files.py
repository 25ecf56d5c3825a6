"""Reading the two files: JSON with every name once, and a result that looks like one."""

import json
from pathlib import Path
from typing import Any

TEXTS, NUMBERS = [str], {str: int}
RESULT = {
    "format": str,
    "figures": {
        "mentors": int,
        "mentees": int,
        "pairs": int,
        "unmatched_mentors": int,
        "unmatched_mentees": int,
        "score": int,
        "worst_score": int,
        "mean_score": int,
        "random_baseline_score": int,
        "greedy_score": int,
    },
    "pairs": [
        {
            "mentor": str,
            "mentee": str,
            "score": int,
            "terms": NUMBERS,
            "shared_skills": TEXTS,
            "shared_languages": TEXTS,
            "shared_minutes_per_week": int,
            "locked": bool,
        }
    ],
    "left_out": [
        {"id": str, "role": str, "reason": str, "detail": str, "possible_partners": int, "shut_out_by": NUMBERS}
    ],
    "dropped_locks": [{"mentor": str, "mentee": str, "reason": str}],
    "price_of_order": [
        {
            "objective": str,
            "pairs": int,
            "worst_score": int,
            "score": int,
            "pairs_gained": int,
            "worst_score_gained": int,
            "score_gained": int,
        }
    ],
    "certificate": {
        "instance_sha256": str,
        "factor": int,
        "bonus": int,
        "floor": int,
        "primal": int,
        "dual": int,
        "pairs_checked": int,
        "violations": int,
        "mentees": NUMBERS,
        "mentors": NUMBERS,
    },
}
"""What a result looks like: a type, a list of, names to, or an object with exactly these fields."""


class Unreadable(Exception):
    """The file is not what it should be: nothing can be said of the result."""


def read_json(path: Path) -> tuple[Any, bytes]:
    """What a file says, and its bytes. Raises: Unreadable."""

    def no_name_twice(fields: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(fields)) < len(fields):
            raise Unreadable(f"{path}: an object has two fields of one name")
        return dict(fields)

    try:
        content = path.read_bytes()
        return json.loads(content.decode("utf-8-sig"), object_pairs_hook=no_name_twice), content
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"{path}: not JSON: {error}") from error


def require_shape(value: Any, shape: Any, where: str) -> None:
    """Raises: Unreadable, where the value does not look like the shape."""
    if isinstance(shape, list):
        require_shape(value, list, where)
        for at, item in enumerate(value):
            require_shape(item, shape[0], f"{where}[{at}]")
    elif isinstance(shape, dict):
        require_shape(value, dict, where)
        names = value if str in shape else shape
        if value.keys() != names.keys():
            raise Unreadable(f"{where}: the fields are not those of the format")
        for name in names:
            require_shape(value[name], shape.get(str, shape.get(name)), f"{where}.{name}")
    elif type(value) is not shape:
        raise Unreadable(f"{where}: {value!r} is no {shape.__name__}")
