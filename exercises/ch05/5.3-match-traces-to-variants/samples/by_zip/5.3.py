matches = dict(zip("WXYZ", ["decides_before_it_retakes_the_lock", "forgets_the_count", "snapshots_after_the_lookup", "forgets_the_sequence"]))
