counts = {'write_61': 24, 'nothing_61': 24, 'read_612': 24, 'write_612': 3}
