schedule = ['v', 'o']
reason = 'b'
