breakable = {'A': 'breakable', 'B': 'breakable', 'C': 'not breakable', 'D': 'breakable'}
