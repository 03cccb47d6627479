blanks = {'5': 'stores A in gpc.pfn', '4': 'reads kvm.mn_active_invalidate_count -> 0', '3': 'stores B in mm.pte[0x7000]', '2': 'reads gpc.valid -> False', '1': 'reads mm.pte[0x7000] -> A'}
