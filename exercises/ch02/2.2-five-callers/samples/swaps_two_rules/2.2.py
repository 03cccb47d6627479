lines = {'A': 10, 'B': 4, 'C': 3, 'D': 7, 'E': 9}
rules_broken = {'A': 'lock_before_check', 'B': 'drop_before_refresh', 'C': 'use_under_the_lock', 'D': 'give_up', 'E': 'check_after_refresh'}
