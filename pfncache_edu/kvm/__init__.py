"""The code under study: KVM's gfn_to_pfn_cache, with the C's names in the C's order, one file per C file.

structs         struct kvm, struct gfn_to_pfn_cache, memslots, page tables
pfncache        virt/kvm/pfncache.c of Linux 6.12
mmu_notifier    the invalidation hooks of virt/kvm/kvm_main.c
host_mm         what the host's memory management does to a page
v6_1            what was different in Linux 6.1
"""
