"""From bytes to lines: which encoding, which delimiter, and lines that can be given back."""

import csv
import io
import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, getincrementaldecoder
from collections import deque
from collections.abc import Iterator
from typing import BinaryIO, Literal

from .findings import Finding, UnusableFile

Encoding = Literal["utf-8", "windows-1252"]
Delimiter = Literal[";", ",", "\t"]

MAX_LINE_CHARACTERS = 65_536
MAX_LINES_PER_ROW = 20
"""A quoted cell may span lines; a quote that is never closed must not swallow the rest of the file."""
_BLOCK = 1 << 20
_DELIMITERS: tuple[Delimiter, ...] = (";", ",", "\t")
_UNDECODED = re.compile("[\udc80-\udcff]")
_ASCII = re.compile(r"[\x00-\x7f]+")
_EXCEL_HINT = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_WORKBOOK = b"PK\x03\x04"


class UnreadableRow(Exception):
    """The row that starts here cannot be taken apart into cells."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def recognise(source: BinaryIO) -> Encoding:
    """Tell UTF-8 from Windows-1252, reading the file block by block. Raises: UnusableFile for anything else.

    A file that is UTF-8 but for a few bytes stays UTF-8: its broken cells are then named one by one. Only a file
    whose bytes above 127 hardly ever form UTF-8 is taken for Windows-1252.
    """
    source.seek(0)
    start = source.read(4)
    if not start:
        raise _unusable("empty_file", "the file is empty")
    if start.startswith(_WORKBOOK):
        raise _unusable("binary_file", "this is a workbook or an archive; save the sheet as CSV and send that")
    if start.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise _unusable("unsupported_encoding", "the file is UTF-16; save it as CSV in UTF-8")
    source.seek(0)
    decoder = getincrementaldecoder("utf-8")("surrogateescape")
    formed = broken = lines = 0
    while block := source.read(_BLOCK):
        nul = block.find(b"\x00")
        if nul >= 0:
            line = lines + block.count(b"\n", 0, nul) + 1
            raise _unusable("binary_file", "the file holds NUL bytes: it is not text", line=line)
        lines += block.count(b"\n")
        above_ascii = _ASCII.sub("", decoder.decode(block))
        undecoded = len(_UNDECODED.findall(above_ascii))
        broken += undecoded
        formed += len(above_ascii) - undecoded
    broken += len(_UNDECODED.findall(decoder.decode(b"", final=True)))
    return "utf-8" if broken <= formed or start.startswith(BOM_UTF8) else "windows-1252"


class Lines:
    """The physical lines of a file, for a CSV reader; the current row's lines can be given back."""

    def __init__(self, source: BinaryIO, encoding: Encoding) -> None:
        source.seek(0)
        codec = "utf-8-sig" if encoding == "utf-8" else "cp1252"
        # Bytes that cannot be decoded survive as lone surrogates, so that their cell can be named.
        self._text = io.TextIOWrapper(source, encoding=codec, errors="surrogateescape", newline="")
        self._given_back: deque[str] = deque()
        self._row: list[str] = []
        self.number = 1
        """The physical line on which the current row starts."""

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if len(self._row) >= MAX_LINES_PER_ROW:
            raise UnreadableRow("unclosed_quote", "a quoted cell starts on this line and is not closed")
        line = self._given_back.popleft() if self._given_back else self._text.readline(MAX_LINE_CHARACTERS)
        if not line:
            raise StopIteration
        self._row.append(line)
        if len(line) >= MAX_LINE_CHARACTERS and not line.endswith(("\n", "\r")):
            self._skip_rest_of_line()
            raise UnreadableRow("line_too_long", f"a line has at most {MAX_LINE_CHARACTERS} characters")
        return line

    def start_row(self) -> None:
        """The lines handed out since the last call were one row."""
        self.number += len(self._row)
        self._row = []

    def give_back(self, *, keep: int = 1) -> None:
        """Only the first lines belonged to this row; the others will be handed out again."""
        self._given_back.extendleft(reversed(self._row[keep:]))
        del self._row[keep:]

    def detach(self) -> None:
        """Leave the file open for whoever opened it."""
        self._text.detach()

    def _skip_rest_of_line(self) -> None:
        while rest := self._text.readline(MAX_LINE_CHARACTERS):
            if rest.endswith(("\n", "\r")):
                return


def delimiter_of(lines: Lines) -> Delimiter:
    """The delimiter that the first line with text uses most; a ``sep=`` line says it outright.

    Afterwards the next line is the header.
    """
    try:
        for line in lines:
            if hint := _EXCEL_HINT.fullmatch(line):
                lines.start_row()
                return _hinted(hint.group(1))
            if line.strip():
                lines.give_back(keep=0)
                bare = re.sub(r'"[^"]*"', "", line)
                return max(_DELIMITERS, key=bare.count)
            lines.start_row()
    except UnreadableRow as fault:
        raise _unusable(fault.code, fault.message, line=lines.number) from None
    raise _unusable("empty_file", "the file holds no text")


def _hinted(character: str) -> Delimiter:
    for delimiter in _DELIMITERS:
        if character == delimiter:
            return delimiter
    raise _unusable("unsupported_delimiter", "cells are separated by a semicolon, a comma or a tab")


def rows(lines: Lines, delimiter: Delimiter) -> Iterator[tuple[int, list[str] | UnreadableRow]]:
    """Each row with the line it starts on; blank lines are no rows.

    A row that cannot be taken apart costs its first line only: reading goes on with the next one, so that one stray
    quote never hides the people below it.
    """
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.start_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except UnreadableRow as fault:
            lines.give_back()
            yield lines.number, fault
        except csv.Error:
            lines.give_back()
            yield lines.number, UnreadableRow("bad_quoting", "the quotes of this line do not match")
        else:
            if any(cell and not cell.isspace() for cell in cells):
                yield lines.number, cells
            continue
        reader = csv.reader(lines, delimiter=delimiter, strict=True)


def _unusable(code: str, message: str, *, line: int = 1) -> UnusableFile:
    return UnusableFile(Finding(line=line, column=None, value_excerpt="", code=code, message=message))
