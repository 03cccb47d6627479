blanks = {'1': 'reads mm.pte[0x7000] -> A', '2': 'reads gpc.valid -> True', '3': 'stores B in mm.pte[0x7000]', '4': 'reads kvm.mn_active_invalidate_count -> 0', '5': 'stores A in gpc.pfn'}
