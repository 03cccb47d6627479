blanks = {'1': 'reads mm.pte[0x7000] -> A', '2': 'stores False in gpc.valid', '3': 'stores B in mm.pte[0x7000]', '4': 'reads kvm.mn_active_invalidate_count -> 0', '5': 'stores A in gpc.pfn'}
