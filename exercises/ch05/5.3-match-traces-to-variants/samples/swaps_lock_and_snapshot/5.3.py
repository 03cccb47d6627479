matches = {'W': 'snapshots_after_the_lookup', 'X': 'forgets_the_count', 'Y': 'decides_before_it_retakes_the_lock', 'Z': 'forgets_the_sequence'}
