counts = {'write_61': 8, 'nothing_61': 5, 'read_612': 8, 'write_612': 3}
