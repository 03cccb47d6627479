lines = {'A': 9, 'B': 3, 'C': 2, 'D': 6, 'E': 8}
rules_broken = {'A': 'use_under_the_lock', 'B': 'drop_before_refresh', 'C': 'lock_before_check', 'D': 'give_up', 'E': 'check_after_refresh'}
