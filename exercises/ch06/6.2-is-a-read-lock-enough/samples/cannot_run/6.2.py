schedule = 'v99'
reason = 'b'
