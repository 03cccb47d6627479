blanks = {'1': 'reads mm.pte[0x7000] -> A', '2': 'reads gpc.valid -> False'}
