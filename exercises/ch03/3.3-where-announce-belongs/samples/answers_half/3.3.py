predictions = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
answers = {'A': 'unsafe', 'C': 'safe'}
schedule = ''
