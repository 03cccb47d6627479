lines = {'A': 10, 'B': 4, 'C': 3, 'D': 7, 'E': 9, 'F': 1}
rules_broken = {'A': 'use_under_the_lock', 'B': 'drop_before_refresh', 'C': 'lock_before_check', 'D': 'give_up', 'E': 'check_after_refresh'}
