lines = {'A': 10, 'B': 4, 'C': 3, 'D': 7, 'E': 9}
rules_broken = {'A': 'use_under_the_lock', 'B': 'drop_before_refresh', 'C': 'lock_before_check', 'D': 'look_at_the_answer', 'E': 'check_after_refresh'}
