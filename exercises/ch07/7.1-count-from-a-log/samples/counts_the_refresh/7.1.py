counts = {'write_61': 25, 'nothing_61': 21, 'read_612': 24, 'write_612': 4}
