"""The claims ledger: what the book says of Linux, and where to see that it is so.

Each chapter has a file `chapter_N.toml`, and the appendix one of its own, with a table `[[claim]]` for each factual sentence. A page refers to it by the role
{claim}`id`; the book's build fails when no claim has the id, and when no page refers to a claim. `chapter_N.stamps.json`
beside it holds the hashes of the lines in the kernel's source; `pfncache claims stamp` writes it.
"""
from .ledger import Claim, LedgerError, read_ledger, read_text
from .kernel_source import KernelSource
from .stamps import Finding, check_claims, read_stamps, stamp_claims

__all__ = ["Claim", "Finding", "KernelSource", "LedgerError", "check_claims", "read_ledger", "read_stamps", "read_text", "stamp_claims"]
