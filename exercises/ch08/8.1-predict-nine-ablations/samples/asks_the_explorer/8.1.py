from pfncache_edu.ablations import NAMES, outcome_without

EXPECTED = {name: outcome_without(name).kind for name in NAMES}
