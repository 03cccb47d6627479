breakable = {'D': 'breakable', 'C': 'not breakable', 'B': 'breakable', 'A': 'not breakable'}
