breakable = {'A': 'not breakable', 'B': 'breakable', 'C': 'not breakable', 'D': 'breakable', 'E': 'breakable'}
