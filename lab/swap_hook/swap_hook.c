// SPDX-License-Identifier: GPL-2.0-only
/*
 * swap_hook: one kernel, two bodies of gfn_to_pfn_cache_invalidate_start().
 *
 * Two kernel versions differ in more than one patch. This module makes a controlled experiment of it: in a running Linux
 * 6.12, each call of the hook is led to another body, chosen by the parameter `hook`:
 *
 *   stock   the kernel's own body; the way there is the same detour
 *   before  every cache is locked for write, as before commit 9fa336e343b2 (Linux 6.9)
 *   after   every cache is looked at under the read lock first, as since then
 *
 * "after" is written here once more so that "before" is compared with something that was compiled and reached in the same
 * way. All three are chosen by a variable: no code is patched between two runs.
 *
 * This file is licensed under the GNU General Public License, version 2, as modules that use the kernel's internal
 * interfaces have to be; the rest of the project is not.
 */
#include <linux/ftrace.h>
#include <linux/kvm_host.h>
#include <linux/module.h>

static void before_the_patch(struct kvm *kvm, unsigned long start, unsigned long end);
static void after_the_patch(struct kvm *kvm, unsigned long start, unsigned long end);

static const struct body {
	const char *name;
	void (*function)(struct kvm *kvm, unsigned long start, unsigned long end);
} bodies[] = {
	{ "stock", NULL },
	{ "before", before_the_patch },
	{ "after", after_the_patch },
};

static const struct body *chosen = &bodies[0];

static bool is_in(const struct gfn_to_pfn_cache *gpc, unsigned long start, unsigned long end)
{
	return gpc->valid && !is_error_noslot_pfn(gpc->pfn) && start <= gpc->uhva && gpc->uhva < end;
}

static noinline void before_the_patch(struct kvm *kvm, unsigned long start, unsigned long end)
{
	struct gfn_to_pfn_cache *gpc;

	spin_lock(&kvm->gpc_lock);
	list_for_each_entry(gpc, &kvm->gpc_list, list) {
		write_lock_irq(&gpc->lock);
		if (is_in(gpc, start, end))
			gpc->valid = false;
		write_unlock_irq(&gpc->lock);
	}
	spin_unlock(&kvm->gpc_lock);
}

static noinline void after_the_patch(struct kvm *kvm, unsigned long start, unsigned long end)
{
	struct gfn_to_pfn_cache *gpc;
	bool found;

	spin_lock(&kvm->gpc_lock);
	list_for_each_entry(gpc, &kvm->gpc_list, list) {
		read_lock_irq(&gpc->lock);
		found = is_in(gpc, start, end);
		read_unlock_irq(&gpc->lock);
		if (!found)
			continue;

		/* Nobody held the lock for a moment: look again. */
		write_lock_irq(&gpc->lock);
		if (is_in(gpc, start, end))
			gpc->valid = false;
		write_unlock_irq(&gpc->lock);
	}
	spin_unlock(&kvm->gpc_lock);
}

/* ftrace calls this at the first instruction of the hook; where it sets the instruction pointer, the CPU goes on. */
static void notrace detour(unsigned long ip, unsigned long parent_ip, struct ftrace_ops *ops, struct ftrace_regs *fregs)
{
	const struct body *body = READ_ONCE(chosen);

	if (body->function)
		ftrace_regs_set_instruction_pointer(fregs, (unsigned long)body->function);
}

static struct ftrace_ops the_hook = {
	.func = detour,
	.flags = FTRACE_OPS_FL_SAVE_REGS | FTRACE_OPS_FL_IPMODIFY,
};

static int set_body(const char *text, const struct kernel_param *parameter)
{
	for (int n = 0; n < ARRAY_SIZE(bodies); n++) {
		if (sysfs_streq(text, bodies[n].name)) {
			WRITE_ONCE(chosen, &bodies[n]);
			return 0;
		}
	}
	return -EINVAL;
}

static int get_body(char *text, const struct kernel_param *parameter)
{
	return sysfs_emit(text, "%s\n", READ_ONCE(chosen)->name);
}

static const struct kernel_param_ops body_ops = { .set = set_body, .get = get_body };

module_param_cb(hook, &body_ops, NULL, 0600);
MODULE_PARM_DESC(hook, "which body the hook has: stock, before or after");

static int __init swap_hook_init(void)
{
	static char name[] = "gfn_to_pfn_cache_invalidate_start";
	int error = ftrace_set_filter(&the_hook, name, strlen(name), 1);

	return error ?: register_ftrace_function(&the_hook);
}

static void __exit swap_hook_exit(void)
{
	unregister_ftrace_function(&the_hook);
	ftrace_free_filter(&the_hook);
}

module_init(swap_hook_init);
module_exit(swap_hook_exit);

MODULE_DESCRIPTION("Swap the body of KVM's pfncache invalidation hook, for an experiment");
MODULE_LICENSE("GPL");
