matches = {'W': 'upgrades_the_read_lock', 'X': 'forgets_the_count', 'Y': 'snapshots_after_the_lookup', 'Z': 'forgets_the_sequence'}
