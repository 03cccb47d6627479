matches = {'W': 'decides_before_it_retakes_the_lock', 'X': 'forgets_the_sequence', 'Y': 'snapshots_after_the_lookup', 'Z': 'forgets_the_count'}
