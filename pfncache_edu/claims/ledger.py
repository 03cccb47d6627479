"""Claims as they stand in the files of the chapters, read and checked for form."""
from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

FOLDER = Path(__file__).parent
EVIDENCE = {                            # kind -> what a claim of this kind has to name besides
    "source": ("file", "versions"),
    "commit": ("link",),
    "mail": ("link",),
    "documentation": ("file", "versions"),
    "recording": ("file", "versions"),
    "measurement": ("file",),
    "analysis": ("file", "versions"),
}
LETTERS = {kind: kind[0] for kind in EVIDENCE} | {"measurement": "n"}          # n for numbers: m is a mail
REMEDY = {                              # what to write for a key that is missing
    "id": 'id = "c2-check-is-under-lock"', "says": 'says = "a sentence that can be true or false"',
    "evidence": f'evidence = "source"   # or {", ".join(list(EVIDENCE)[1:])}', "file": 'file = "virt/kvm/pfncache.c"',
    "function": 'function = "kvm_gpc_check"', "versions": 'versions = ["6.12.117"]', "link": 'link = "https://…"'}
VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
Lines = tuple[int, int]


class LedgerError(ValueError):
    """A file of claims is not in order; the message names file and claim, and says what to write."""


@dataclass(frozen=True)
class Claim:
    """One sentence about Linux, and what stands behind it."""
    chapter: str                        # its number, or "appendix"
    place: int                          # its number in the ledger of its chapter, from 1 on
    id: str
    says: str
    evidence: str
    file: str = ""
    function: str = ""                  # "a, b" for several of one file; "struct a", "macro A" and "config A" for what is no function
    versions: tuple[str, ...] = ()      # of Linux: where it was looked up
    since: str = ""                     # the first release of which it is true, if that is known
    until: str = ""                     # the first release of which it is true no more
    link: str = ""
    lines: dict[str, Lines] = field(default_factory=dict)

    @property
    def functions(self) -> list[str]:
        return [name for name in re.split(r",\s*", self.function) if name]

    @property
    def mark(self) -> str:
        """How the text refers to it: kind of evidence and place, such as "s7"."""
        return f"{LETTERS[self.evidence]}{self.place}"

    @property
    def range(self) -> str:
        """The versions of which it is said: "6.12.117 (since v6.9)"."""
        bounds = " ".join(f"{word} {release}" for word, release in (("since", self.since), ("until", self.until)) if release)
        looked_up = ", ".join(self.versions)
        return f"{looked_up} ({bounds})" if looked_up and bounds else looked_up or bounds

    @property
    def where(self) -> str:
        """File and function in words: "kvm_gpc_check() in virt/kvm/pfncache.c"."""
        names = " and ".join(name if " " in name else f"{name}()" for name in self.functions)
        return f"{names} in {self.file}" if names and self.file else self.file or names or self.link


def read_ledger(folder: Path = FOLDER) -> dict[str, Claim]:
    """All claims by id, in the order of the chapters; a LedgerError if a file is not in order."""
    ledger: dict[str, Claim] = {}
    for file in sorted(folder.glob("*.toml"), key=lambda file: rank(chapter_of(file))):
        for claim in read_text(file.read_text(encoding="utf-8"), file.name):
            if claim.id in ledger:
                raise LedgerError(f"{file.name}: the id {claim.id!r} is already that of a claim of "
                                  f"{name_of(ledger[claim.id].chapter)}: choose another one")
            ledger[claim.id] = claim
    return ledger


def read_text(text: str, name: str) -> list[Claim]:
    """The claims of one file, given its text and its name."""
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise LedgerError(f"{name}: this is not TOML: {error}") from None
    strangers = data.keys() - {"claim"}
    if strangers or not isinstance(data.get("claim", []), list):
        raise LedgerError(f"{name}: {', '.join(sorted(strangers)) or 'claim'} is not expected: write [[claim]] before each claim")
    return [claim_of(table, chapter_of(Path(name)), place, name) for place, table in enumerate(data.get("claim", []), 1)]


def chapter_of(file: Path) -> str:
    found = re.fullmatch(r"(?:chapter_(\d+)|(appendix))\.(toml|stamps\.json)", file.name)
    if not found:
        raise LedgerError(f"{file.name}: claims stand in files named chapter_N.toml, and in appendix.toml")
    return found[1] or found[2]


def chapters_of(ledger: dict[str, Claim]) -> list[str]:
    """The chapters that have claims in their order, the appendix last."""
    return sorted({claim.chapter for claim in ledger.values()}, key=rank)


def rank(chapter: str) -> tuple[bool, int]:
    return not chapter.isdigit(), int(chapter) if chapter.isdigit() else 0


def stem_of(chapter: str) -> str:
    """How its files are named: "chapter_8", "appendix"."""
    return f"chapter_{chapter}" if chapter.isdigit() else chapter


def name_of(chapter: str) -> str:
    """What a reader calls it: "chapter 8", "appendix"."""
    return stem_of(chapter).replace("_", " ")


def claim_of(table: dict, chapter: str, place: int, name: str) -> Claim:
    """The claim that a table of a file says, after a look at its form."""
    where = f"{name}: claim {table.get('id') or f'number {place}'!r}"
    problem = next(problems(table), None)
    if problem:
        raise LedgerError(f"{where}: {problem}")
    lines = {version: tuple(bounds) for version, bounds in table.get("lines", {}).items()}
    return Claim(chapter, place, **{**table, "versions": tuple(table.get("versions", ())), "lines": lines})


def problems(table: dict) -> Iterable[str]:
    """What is wrong with the table of a claim, each with what to write instead."""
    known = set(Claim.__dataclass_fields__) - {"chapter", "place"}
    for key in table.keys() - known:
        yield f"the key {key!r} is unknown: there are {', '.join(sorted(known))}"
    for key in ("id", "says", "evidence"):
        if not table.get(key):
            yield f"{key} is missing: write {REMEDY[key]}"
    if table["evidence"] not in EVIDENCE:
        yield f"evidence {table['evidence']!r} is unknown: there are {', '.join(EVIDENCE)}"
    for key in needed(table):
        if not table.get(key):
            yield f"evidence = \"{table['evidence']}\" needs {key}: write {REMEDY[key]}"
    yield from problems_of_values(table)


def needed(table: dict) -> tuple[str, ...]:
    keys = EVIDENCE[table["evidence"]]
    in_code = table["evidence"] == "source" and str(table.get("file")).endswith((".c", ".h"))
    return (*keys, "function") if in_code and not table.get("lines") else keys


def problems_of_values(table: dict) -> Iterable[str]:
    for key in ("id", "says", "evidence", "file", "function", "since", "until", "link"):
        if not isinstance(table.get(key, ""), str):
            yield f"{key} is not text: write it in quotation marks"
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", table["id"]):
        yield "an id is made of small letters, digits and hyphens, such as check-compares-generation"
    if not isinstance(table.get("versions", []), list) or not all(VERSION.fullmatch(str(v)) for v in table.get("versions", [])):
        yield f"versions are exact releases in a list: write {REMEDY['versions']}"
    for key in ("since", "until"):
        if table.get(key) and not re.fullmatch(r"v\d+\.\d+(-rc\d+)?", table[key]):
            yield f"{key} = {table[key]!r} is not the name of a release: write {key} = \"v6.9\""
    if table.get("link") and not table["link"].startswith("https://"):
        yield "link is not an address: it begins with https://"
    for version, bounds in table.get("lines", {}).items():
        if version not in table.get("versions", []):
            yield f"lines are given for {version}, which is not among its versions: add it there"
        if not (isinstance(bounds, list) and len(bounds) == 2 and all(type(n) is int for n in bounds) and 1 <= bounds[0] <= bounds[1]):
            yield f'lines of {version} are not a first and a last line: write lines = {{ "{version}" = [73, 97] }}'
