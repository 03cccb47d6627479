matches = {'W': 'forgets_the_count', 'X': 'forgets_the_count', 'Y': 'forgets_the_count', 'Z': 'forgets_the_count'}
