"""Whatever bytes come: a report, never a fault, and no row unaccounted for."""

import io

from enrollment.domain.hr_file import HrFile, PersonRow, RefusedRow, UnusableFile
from hypothesis import given, settings
from hypothesis import strategies as st

from ..builders import TODAY, a_file, a_row

GOOD = a_file(*(a_row(number) for number in range(1, 8)))
NASTY = st.sampled_from(
    [
        b'"',
        b'""',
        b";",
        b"\r",
        b"\n",
        b"\xff",
        b"\xc3",
        b"\x81",
        b"=1+1",
        b"\t",
        b"\x85",
        b"\xe2\x80\xae",
        b"\x1b",
        b"'",
    ]
)


def account_of(data: bytes) -> tuple[list[int], set[int]]:
    """The lines of the people and of the refusals; a file that is refused as a whole has neither."""
    people: list[int] = []
    refused: set[int] = set()
    try:
        for row in HrFile(io.BytesIO(data), {}, today=TODAY).rows():
            match row:
                case PersonRow():
                    people.append(row.line)
                case RefusedRow():
                    refused |= {finding.line for finding in row.findings}
                    for finding in row.findings:
                        assert len(finding.value_excerpt) <= 60
                        assert finding.value_excerpt.isprintable()
                        (finding.value_excerpt + finding.message + str(finding.column)).encode()
    except UnusableFile:
        return [], set()
    return people, refused


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    account_of(data)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_below_a_good_header_are_read_or_refused(data: bytes) -> None:
    account_of(GOOD + data)


@settings(max_examples=500, deadline=None)
@given(st.lists(st.tuples(st.integers(GOOD.index(b"\n") + 1, len(GOOD)), NASTY), min_size=1, max_size=3))
def test_a_damaged_file_loses_only_the_lines_that_were_hit(damage: list[tuple[int, bytes]]) -> None:
    data = bytearray(GOOD)
    hit = 0
    for place, bad in sorted(damage, reverse=True):
        data[place:place] = bad
        hit += 1
    people, refused = account_of(bytes(data))
    # A stray quote may pair with one further down: then the lines between are one row, which is refused.
    if not any(b'"' in bad for _, bad in damage):
        assert len(people) >= 7 - 2 * hit
        assert len(people) + len(refused) >= 7
    assert len(set(people)) == len(people)
    assert not set(people) & refused
