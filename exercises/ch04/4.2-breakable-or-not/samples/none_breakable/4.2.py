breakable = {'A': 'not breakable', 'B': 'not breakable', 'C': 'not breakable', 'D': 'not breakable'}
