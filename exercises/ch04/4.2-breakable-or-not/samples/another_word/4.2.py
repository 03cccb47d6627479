breakable = {'A': 'safe', 'B': 'breakable', 'C': 'not breakable', 'D': 'breakable'}
