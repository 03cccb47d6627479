"""`python -m pfncache_edu.kvm`: where each of our functions stands in the C, and where the C does without a lock on purpose."""
from .sources import OURS_ALONE, aligned, exceptions, table

print(table())
print("\nStanding for more than they do:")
print(aligned([(f"  {name}", what) for name, what in OURS_ALONE.items()]))
print("\nFields that are touched without their lock, on purpose:")
print(aligned([("  version", "field", "lock", "function", "source", "reason")]
              + [(f"  {e.version}", *e[1:]) for e in exceptions()]))
