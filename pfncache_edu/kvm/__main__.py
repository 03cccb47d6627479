"""`python -m pfncache_edu.kvm`: where each of our functions stands in the C."""
from .sources import OURS_ALONE, table

print(table())
print("\nStanding for more than they do:")
for name, what in OURS_ALONE.items():
    print(f"  {name:<30}{what}")
