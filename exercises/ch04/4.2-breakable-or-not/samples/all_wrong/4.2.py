breakable = {'A': 'breakable', 'B': 'not breakable', 'C': 'breakable', 'D': 'not breakable'}
