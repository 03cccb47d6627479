schedule = 'v4 o8'
reason = 'b'
