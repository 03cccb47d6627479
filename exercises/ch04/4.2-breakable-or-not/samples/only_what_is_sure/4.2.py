breakable = {'B': 'breakable', 'D': 'breakable'}
