"""The code under study: KVM's gfn_to_pfn_cache, with the C's names in the C's order, one file per C file.

structs         struct kvm, struct gfn_to_pfn_cache, memslots, page tables; which lock guards which field
pfncache        virt/kvm/pfncache.c of Linux 6.12
mmu_notifier    the invalidation hooks of virt/kvm/kvm_main.c
memslots        the memslots of virt/kvm/kvm_main.c: looking up, and changing them
host_pages      what the host gives: pages, references, kernel mappings
host_mm         what the host's memory management does to a page
bug             WARN_ON_ONCE() and KVM_BUG_ON()
before_the_patch  the hook as the patch found it
v6_1            what was different in Linux 6.1, in full
sources         where each function stands in the C (`python -m pfncache_edu.kvm` prints it)
"""
