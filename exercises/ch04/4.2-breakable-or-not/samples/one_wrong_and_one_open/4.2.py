breakable = {'A': 'not breakable', 'B': 'breakable', 'C': 'breakable', 'D': None}
