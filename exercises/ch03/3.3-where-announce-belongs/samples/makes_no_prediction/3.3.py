predictions = {}
answers = {'A': 'unsafe', 'B': 'safe', 'C': 'safe', 'D': 'unsafe'}
schedule = 'n9 v22 n3'
