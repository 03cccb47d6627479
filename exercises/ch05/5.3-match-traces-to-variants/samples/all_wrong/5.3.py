matches = {'W': 'forgets_the_count', 'X': 'decides_before_it_retakes_the_lock', 'Y': 'forgets_the_sequence', 'Z': 'snapshots_after_the_lookup'}
