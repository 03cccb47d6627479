breakable = {'A': 'breakable', 'B': 'breakable', 'C': 'breakable', 'D': 'breakable'}
