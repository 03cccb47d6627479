matches = {'Z': 'forgets_the_sequence', 'Y': 'snapshots_after_the_lookup', 'X': 'forgets_the_count', 'W': 'decides_before_it_retakes_the_lock'}
