lines = {'A': 10, 'B': 4, 'C': 3, 'D': 7, 'E': 9}
rules_broken = {'A': 'check_after_refresh', 'B': 'check_after_refresh', 'C': 'check_after_refresh', 'D': 'check_after_refresh', 'E': 'check_after_refresh'}
