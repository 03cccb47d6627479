lines = {'A': 10, 'B': 4}
rules_broken = {'A': 'use_under_the_lock', 'B': 'drop_before_refresh', 'C': None}
