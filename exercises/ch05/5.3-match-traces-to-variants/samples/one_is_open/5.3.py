matches = {'W': 'decides_before_it_retakes_the_lock', 'X': 'forgets_the_count', 'Y': None, 'Z': 'forgets_the_sequence'}
