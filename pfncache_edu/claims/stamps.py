"""What the lines behind each claim were when somebody looked: line numbers and hashes, to find out what has moved since."""
from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .kernel_source import KernelSource
from .ledger import FOLDER, Claim, Lines, chapters_of, name_of, stem_of

Stamps = dict[str, dict[str, dict]]                     # id -> version -> {"lines": [first, last], "sha256": "…"}


@dataclass(frozen=True)
class Finding:
    """What became of the lines of a claim in a source: `problem` is "" if they are as they were."""
    claim: Claim
    version: str
    problem: str
    lines: Lines | None = None

    def __str__(self):
        return f"{self.claim.id} ({name_of(self.claim.chapter)}, {self.claim.where}, {self.version}): {self.problem or 'as stamped'}"


def read_stamps(folder: Path = FOLDER) -> Stamps:
    """All stamps, of all chapters."""
    return {id: versions for file in sorted(folder.glob("*.stamps.json")) for id, versions in json.loads(file.read_text()).items()}


def checkable(ledger: dict[str, Claim], version: str) -> list[Claim]:
    """The claims that this version's source can bear out."""
    return [claim for claim in ledger.values() if claim.evidence in ("source", "documentation", "analysis") and version in claim.versions]


def lines_of(claim: Claim, source: KernelSource) -> tuple[Lines | None, str]:
    """The lines that a claim is about in a source, or None and the reason."""
    text = source.text(claim.file)
    if text is None:
        return None, f"there is no {claim.file} in {source.folder}"
    found = [source.bounds(claim.file, name) for name in claim.functions]
    if None in found:
        return None, f"{claim.file} does not define {claim.functions[found.index(None)]}"
    whole = (min(first for first, _ in found), max(last for _, last in found)) if found else (1, len(text))
    lines = claim.lines.get(source.version, whole)
    if lines[1] > len(text):
        return None, f"{claim.file} ends with line {len(text)}, and the claim names lines {lines[0]}-{lines[1]}"
    if found and not any(first <= lines[1] and lines[0] <= last for first, last in found):
        return None, f"lines {lines[0]}-{lines[1]} are not in {claim.function}, which is lines {whole[0]}-{whole[1]}: correct `lines`"
    return lines, ""


def stamp_claims(ledger: dict[str, Claim], source: KernelSource, folder: Path = FOLDER) -> list[Finding]:
    """Write lines and hashes of every claim that this source can bear out; what it cannot is found with the reason."""
    findings, stamps = [], read_stamps(folder)
    for claim in checkable(ledger, source.version):
        lines, problem = lines_of(claim, source)
        findings.append(Finding(claim, source.version, problem, lines))
        if lines:
            stamps.setdefault(claim.id, {})[source.version] = {"lines": list(lines), "sha256": source.hash(claim.file, lines)}
    write_stamps({id: versions for id, versions in stamps.items() if id in ledger}, ledger, folder)
    return findings


def write_stamps(stamps: Stamps, ledger: dict[str, Claim], folder: Path) -> None:
    for chapter in chapters_of(ledger):
        rows = [f" {json.dumps(id)}: {json.dumps({v: stamp for v, stamp in sorted(versions.items()) if v in ledger[id].versions})}"
                for id, versions in sorted(stamps.items()) if ledger[id].chapter == chapter]
        (folder / f"{stem_of(chapter)}.stamps.json").write_text("{\n" + ",\n".join(rows) + "\n}\n")


def check_claims(ledger: dict[str, Claim], source: KernelSource, folder: Path = FOLDER) -> list[Finding]:
    """For each claim that this source can bear out: whether its lines are those that were stamped, and where they went."""
    stamps = read_stamps(folder)
    return [Finding(claim, source.version, *reversed(compare(claim, source, stamps.get(claim.id, {}).get(source.version))))
            for claim in checkable(ledger, source.version)]


def compare(claim: Claim, source: KernelSource, stamp: dict | None) -> tuple[Lines | None, str]:
    """The lines of a claim and what is wrong with them."""
    lines, problem = lines_of(claim, source)
    if stamp is None:
        return lines, problem or "has no stamp yet: run pfncache claims stamp"
    stamped = tuple(stamp["lines"])
    if claim.lines.get(source.version, stamped) != stamped:
        return lines, problem or f"names lines {lines[0]}-{lines[1]}, and the stamp is of {stamped[0]}-{stamped[1]}: stamp it again"
    return moved(claim, source, stamp, lines, problem)


def moved(claim: Claim, source: KernelSource, stamp: dict, lines: Lines | None, problem: str) -> tuple[Lines | None, str]:
    first, last = stamp["lines"]
    text = source.text(claim.file) or ()
    if last <= len(text) and source.hash(claim.file, (first, last)) == stamp["sha256"]:
        return lines, problem
    now = source.place_of(claim.file, last - first + 1, stamp["sha256"])
    if now:
        return now, f"lines {first}-{last} moved to {now[0]}-{now[1]}"
    return lines, problem or f"lines {first}-{last} have changed: read them again, and the claim"


def without_stamp(ledger: dict[str, Claim], folder: Path = FOLDER) -> Iterable[tuple[Claim, str]]:
    """Claims about a source, with a version, that nobody has stamped."""
    stamps = read_stamps(folder)
    for claim in ledger.values():
        for version in claim.versions:
            if claim.evidence in ("source", "documentation") and version not in stamps.get(claim.id, {}):
                yield claim, version
