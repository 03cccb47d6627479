predictions = {'A': 'safe', 'B': 'safe', 'C': 'safe', 'D': 'safe'}
answers = {'A': 'safe', 'B': 'safe', 'C': 'safe', 'D': 'safe'}
schedule = ''
