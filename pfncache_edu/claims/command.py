"""`pfncache claims`: what the book says of Linux and where to see it, and whether a kernel's source still bears it out.

Exit code: 0 done, everything is where it was; 1 something has moved or is missing; 2 the ledger or the call is wrong.
"""
from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from .kernel_source import KernelSource
from .ledger import EVIDENCE, Claim, LedgerError, chapters_of, name_of, read_ledger
from .stamps import Finding, check_claims, stamp_claims

EXAMPLES = """examples:
  pfncache claims                                              all of them, by chapter
  pfncache claims --chapter 8 --evidence mail                  those of chapter 8 that rest on a mail
  pfncache claims check --source linux-6.12.117                are the lines still what they were? names what moved
  pfncache claims check --source src --version 6.12.117        a folder without the kernel's Makefile
  pfncache claims stamp --source linux-6.12.117                write lines and hashes anew
"""


def add_claims_command(subparsers) -> None:
    """Add `claims` to the commands of a parser. Its `run` takes the parsed arguments and answers the exit code."""
    parser = subparsers.add_parser("claims", help="list what the book says of Linux, and check it against a kernel's source",
                                   description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", nargs="?", choices=("list", "check", "stamp"), default="list", help="default: list")
    parser.add_argument("--chapter", metavar="N", help="only claims of this chapter, or of the \"appendix\"")
    parser.add_argument("--evidence", choices=EVIDENCE, help="only claims of this kind")
    parser.add_argument("--source", type=Path, metavar="DIR", help="an unpacked kernel source; needed to check and to stamp")
    parser.add_argument("--version", default="", metavar="V", help="which Linux that is; without it, its Makefile says so")
    parser.set_defaults(run=claims)


def claims(asked: argparse.Namespace) -> int:
    """Do what was asked for."""
    try:
        ledger = read_ledger()
        chosen = {id: claim for id, claim in ledger.items()
                  if asked.chapter in (None, claim.chapter) and asked.evidence in (None, claim.evidence)}
        if asked.action == "list":
            return tell(chosen)
        if not asked.source:
            raise LedgerError(f"add --source DIR, the folder of an unpacked kernel source, to {asked.action} claims")
        source = KernelSource.at(asked.source, asked.version)
        return report(stamp_claims(ledger, source) if asked.action == "stamp" else check_claims(chosen, source), asked.action, source)
    except LedgerError as problem:
        print(f"pfncache claims: {problem}", file=sys.stderr)
        return 2


def tell(ledger: dict[str, Claim]) -> int:
    """Print the claims by chapter, and how many there are by evidence and by version."""
    for chapter in chapters_of(ledger):
        print(name_of(chapter))
        for claim in ledger.values():
            if claim.chapter == chapter:
                print(f"  {claim.mark:<5}{claim.id}  [{claim.evidence}{', ' if claim.range else ''}{claim.range}]\n"
                      f"       {claim.says}\n       {claim.where}")
    print(f"{len(ledger)} claims")
    print("by chapter:  " + counted(claim.chapter for claim in ledger.values()))
    print("by evidence: " + counted(claim.evidence for claim in ledger.values()))
    print("by version:  " + counted(version for claim in ledger.values() for version in claim.versions or ["none named"]))
    return 0


def counted(names) -> str:
    return ", ".join(f"{name} {count}" for name, count in Counter(names).items())


def report(findings: list[Finding], action: str, source: KernelSource) -> int:
    """Print what is not as it was, and how many claims were looked at."""
    wrong = [finding for finding in findings if finding.problem]
    for finding in wrong:
        print(finding)
    done = "stamped" if action == "stamp" else "as stamped"
    print(f"Linux {source.version}: {len(findings)} claims looked up, {len(findings) - len(wrong)} {done}, {len(wrong)} to be looked at")
    if not findings:
        print("No claim names this version. Is it the right source?")
    return 1 if wrong or not findings else 0
