/*
 * The test program of the two-kernel lab: what runs inside the guest machine, as an ordinary program.
 *
 * It is a tiny virtual machine monitor. It makes a VM whose guest is four bytes long, gives KVM a few guest pages to keep
 * in caches (gfn_to_pfn_cache), and then does what makes the kernel call gfn_to_pfn_cache_invalidate_start(): it changes
 * its own memory map. The kernel's tracer, switched on by the script `init`, writes down which locks the hook takes.
 *
 *   lab hold                    keep a VM open until killed (why: see `init`)
 *   lab count CALLS CACHES      CALLS invalidations of each kind, with CACHES active caches        (one CPU is enough)
 *   lab graph CACHES            one unrelated and one related invalidation, to be looked at closely (one CPU is enough)
 *   lab wait CALLS RUNS [HOOK…] CALLS invalidations on CPU 0 while a reader uses a cache on CPU 1, RUNS times;
 *                               for each HOOK that the module swap_hook knows, if it is loaded
 *
 * Everything it finds out goes into the kernel's trace: a line written to `trace_marker` appears among the traced events,
 * so the trace says by itself what was going on.
 *
 * If you have never called an ioctl: it is a system call with a file descriptor, a number that names a command, and an
 * argument. KVM's whole interface is ioctls on three kinds of file descriptor. /dev/kvm is KVM itself; KVM_CREATE_VM on it
 * answers the descriptor of a new VM; KVM_CREATE_VCPU on that answers the descriptor of a virtual CPU. All commands are in
 * the kernel's Documentation/virt/kvm/api.rst under the names that are used here.
 *
 * Part of *Inside pfncache*; licence: MIT.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096UL
#define GUEST_PAGES 128              /* what the guest has for RAM: half a megabyte */
#define MAX_VCPUS 64
#define ENOUGH_READS 1000            /* in one run of `lab wait` */

/* Where things are in guest-physical memory, in pages. Page 0 stays empty. */
#define CODE_PAGE 1                  /* the guest's program */
#define SHARED_INFO_PAGE 2           /* Xen: pending and masked event channels, one page per VM */
#define VCPU_INFO_PAGE 3             /* Xen: the vCPU's own flag "something is pending" */
#define CLOCK_PAGE 16                /* kvm-clock: the page of vCPU 0; vCPU n has page 16 + n */

/* A guest writes this MSR (a numbered CPU register) to say where KVM shall keep its clock; bit 0 switches it on.
 * The kernel calls it MSR_KVM_SYSTEM_TIME_NEW. */
#define KVM_CLOCK_MSR 0x4b564d01

static const char HOOK_SWITCH[] = "/sys/module/swap_hook/parameters/hook";
static const char MARKER[] = "/sys/kernel/tracing/trace_marker";

struct vm {
	int kvm;                             /* /dev/kvm */
	int fd;                              /* the VM */
	int vcpus;
	int vcpu[MAX_VCPUS];                 /* its virtual CPUs */
	struct kvm_run *run[MAX_VCPUS];      /* for each: a page that we share with KVM, where it says why the guest stopped */
	char *memory;                        /* the guest's RAM, as we see it: guest page n is at memory + n * PAGE */
};

/* --- telling ----------------------------------------------------------------------------------------------------- */

static void die(const char *what)
{
	fprintf(stderr, "lab: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Write one line into the kernel's trace. */
static void mark(const char *format, ...)
{
	static int fd = -1;
	char line[256];
	va_list values;
	int length;

	if (fd < 0 && (fd = open(MARKER, O_WRONLY)) < 0)
		die(MARKER);
	va_start(values, format);
	length = vsnprintf(line, sizeof(line), format, values);
	va_end(values);
	if (write(fd, line, length) != length)
		die("trace_marker");
}

/* ioctl() that must succeed; it answers what the kernel answered. */
static int call(const char *what, int fd, unsigned long command, void *argument)
{
	int answer = ioctl(fd, command, argument);

	if (answer < 0)
		die(what);
	return answer;
}

/* --- a virtual machine ------------------------------------------------------------------------------------------- */

/*
 * The guest's program, in machine code: write a byte to I/O port 0x10, jump back, for ever. There is no such port, so each
 * write makes the CPU leave the guest, and KVM_RUN returns to us: one round for each call.
 */
static const unsigned char guest_program[] = {
	0xe6, 0x10,                          /* again: out %al, $0x10 */
	0xeb, 0xfc,                          /*        jmp again      */
};

/* A new vCPU that starts at the guest's program, in real mode: no page tables, no segments to think of. */
static void add_vcpu(struct vm *vm)
{
	int n = vm->vcpus++;
	struct kvm_regs registers = { .rip = CODE_PAGE * PAGE, .rflags = 2 };   /* bit 1 of the flags is always set */
	struct kvm_sregs special;

	vm->vcpu[n] = call("KVM_CREATE_VCPU", vm->fd, KVM_CREATE_VCPU, (void *)(long)n);

	/* What KVM_RUN has to say, it puts into this shared page; KVM tells how large it is. */
	vm->run[n] = mmap(NULL, call("KVM_GET_VCPU_MMAP_SIZE", vm->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL),
			  PROT_READ | PROT_WRITE, MAP_SHARED, vm->vcpu[n], 0);
	if (vm->run[n] == MAP_FAILED)
		die("mmap of a vCPU");

	/* A PC starts 16 bytes below 4 GiB. Let the code segment start at 0, so that rip alone says where we are. */
	call("KVM_GET_SREGS", vm->vcpu[n], KVM_GET_SREGS, &special);
	special.cs.base = 0;
	special.cs.selector = 0;
	call("KVM_SET_SREGS", vm->vcpu[n], KVM_SET_SREGS, &special);
	call("KVM_SET_REGS", vm->vcpu[n], KVM_SET_REGS, &registers);
}

/* A new VM with RAM, the guest's program in it, and a number of vCPUs. */
static struct vm *new_vm(int vcpus)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	struct kvm_userspace_memory_region region = { .slot = 0, .guest_phys_addr = 0, .memory_size = GUEST_PAGES * PAGE };

	mark("lab: vm vcpus=%d", vcpus);     /* the caches that the kernel initialises from here on are this VM's */
	vm->kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm < 0)
		die("/dev/kvm");
	vm->fd = call("KVM_CREATE_VM", vm->kvm, KVM_CREATE_VM, NULL);

	/* The guest's RAM is ordinary memory of this process. KVM is told: guest address 0 is this address of mine. That
	 * is a memslot, and it is why a change of our own memory map concerns the guest at all. */
	vm->memory = mmap(NULL, GUEST_PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (vm->memory == MAP_FAILED)
		die("mmap of guest memory");
	memset(vm->memory, 0, GUEST_PAGES * PAGE);
	memcpy(vm->memory + CODE_PAGE * PAGE, guest_program, sizeof(guest_program));
	region.userspace_addr = (unsigned long)vm->memory;
	call("KVM_SET_USER_MEMORY_REGION", vm->fd, KVM_SET_USER_MEMORY_REGION, &region);

	while (vm->vcpus < vcpus)
		add_vcpu(vm);
	return vm;
}

static void close_vm(struct vm *vm)
{
	int size = call("KVM_GET_VCPU_MMAP_SIZE", vm->kvm, KVM_GET_VCPU_MMAP_SIZE, NULL);

	for (int n = 0; n < vm->vcpus; n++) {
		munmap(vm->run[n], size);
		close(vm->vcpu[n]);
	}
	close(vm->fd);
	close(vm->kvm);
	munmap(vm->memory, GUEST_PAGES * PAGE);
	free(vm);
}

/* Enter the guest and come back when it has written to its port. */
static void run_guest(struct vm *vm, int n)
{
	call("KVM_RUN", vm->vcpu[n], KVM_RUN, NULL);
	if (vm->run[n]->exit_reason != KVM_EXIT_IO) {
		fprintf(stderr, "lab: the guest stopped for reason %u\n", vm->run[n]->exit_reason);
		exit(1);
	}
}

/* --- caches and their readers -------------------------------------------------------------------------------------- */

static char *clock_page(struct vm *vm, int n)
{
	return vm->memory + (CLOCK_PAGE + n) * PAGE;
}

/* Let KVM keep a clock for vCPU n in guest memory: from now on it has an active cache of that page (pv_time). */
static void start_clock(struct vm *vm, int n)
{
	struct { struct kvm_msrs head; struct kvm_msr_entry entry; } write = {
		.head = { .nmsrs = 1 },
		.entry = { .index = KVM_CLOCK_MSR, .data = (CLOCK_PAGE + n) * PAGE | 1 },
	};

	if (call("KVM_SET_MSRS", vm->vcpu[n], KVM_SET_MSRS, &write) != 1)
		die("KVM_SET_MSRS of kvm-clock");
}

/*
 * Make KVM write the clock of vCPU n: it takes the cache's lock for read, refreshes the cache if it has been invalidated,
 * and writes through the mapping. KVM_KVMCLOCK_CTRL ("the guest was paused") asks for it, the next KVM_RUN does it.
 */
static void update_clock(struct vm *vm, int n)
{
	call("KVM_KVMCLOCK_CTRL", vm->vcpu[n], KVM_KVMCLOCK_CTRL, NULL);
	run_guest(vm, n);
}

static void read_clock(struct vm *vm)
{
	update_clock(vm, 0);
}

static int has_xen(struct vm *vm)
{
	return ioctl(vm->kvm, KVM_CHECK_EXTENSION, KVM_CAP_XEN_HVM) & KVM_XEN_HVM_CONFIG_EVTCHN_SEND;
}

/* Tell KVM that the guest believes in Xen, and where its shared_info and vcpu_info are: two more active caches. */
static void start_xen(struct vm *vm)
{
	struct kvm_xen_hvm_config config = { .flags = KVM_XEN_HVM_CONFIG_INTERCEPT_HCALL | KVM_XEN_HVM_CONFIG_EVTCHN_SEND };
	struct kvm_xen_hvm_attr mode = { .type = KVM_XEN_ATTR_TYPE_LONG_MODE, .u.long_mode = 1 };
	struct kvm_xen_hvm_attr shared = { .type = KVM_XEN_ATTR_TYPE_SHARED_INFO, .u.shared_info.gfn = SHARED_INFO_PAGE };
	struct kvm_xen_vcpu_attr id = { .type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_ID, .u.vcpu_id = 0 };
	struct kvm_xen_vcpu_attr info = { .type = KVM_XEN_VCPU_ATTR_TYPE_VCPU_INFO, .u.gpa = VCPU_INFO_PAGE * PAGE };

	call("KVM_XEN_HVM_CONFIG", vm->fd, KVM_XEN_HVM_CONFIG, &config);
	call("long mode", vm->fd, KVM_XEN_HVM_SET_ATTR, &mode);
	call("shared_info", vm->fd, KVM_XEN_HVM_SET_ATTR, &shared);
	call("vcpu_id", vm->vcpu[0], KVM_XEN_VCPU_SET_ATTR, &id);
	call("vcpu_info", vm->vcpu[0], KVM_XEN_VCPU_SET_ATTR, &info);
}

/*
 * Send the guest an event (Xen's word for an interrupt line is event channel): KVM takes the lock of the shared_info cache
 * for read and sets the port's bit there, then the lock of the vcpu_info cache, and sets a bit there. The guest would clear
 * the bits when it handles the event; ours does not, so we do, or else the second event would stop at the first bit.
 */
static void send_event(struct vm *vm)
{
	struct kvm_irq_routing_xen_evtchn event = { .port = 3, .vcpu = 0, .priority = KVM_IRQ_ROUTING_XEN_EVTCHN_PRIO_2LEVEL };

	call("KVM_XEN_HVM_EVTCHN_SEND", vm->fd, KVM_XEN_HVM_EVTCHN_SEND, &event);
	__atomic_store_n((unsigned long *)(vm->memory + SHARED_INFO_PAGE * PAGE + 64 * 32), 0, __ATOMIC_RELAXED);
}

struct reader {
	const char *name;
	void (*read)(struct vm *);
	int page;                            /* the guest page whose invalidation concerns it */
	int needs_xen;
};

static const struct reader readers[] = {
	{ "clock", read_clock, CLOCK_PAGE, 0 },
	{ "event-channel", send_event, SHARED_INFO_PAGE, 1 },
};

/* A VM with the caches that this reader uses, already used once; NULL if this kernel cannot do it. */
static struct vm *vm_for(const struct reader *reader)
{
	struct vm *vm = new_vm(1);

	if (reader->needs_xen && !has_xen(vm)) {
		close_vm(vm);
		return NULL;
	}
	start_clock(vm, 0);
	if (reader->needs_xen)
		start_xen(vm);
	reader->read(vm);
	return vm;
}

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* --- invalidations -------------------------------------------------------------------------------------------------- */

/*
 * Four ways to change the memory map of this process. Before the kernel changes it, it tells everybody who keeps
 * translations of it (an mmu_notifier); KVM is one, and asks all its caches: gfn_to_pfn_cache_invalidate_start().
 * `change` is the system call that is meant. `restore` makes it possible to do it again, and may be an invalidation, too.
 */
struct cause {
	const char *name;
	void (*change)(char *page);
	void (*restore)(char *page);
};

static char *elsewhere;                      /* a free address for mremap to move a page to */

static void discard(char *page)
{
	if (madvise(page, PAGE, MADV_DONTNEED))  /* the page is dropped; the next access gets a new one, full of zeros */
		die("madvise");
}

static void unmap(char *page)
{
	if (munmap(page, PAGE))
		die("munmap");
}

static void map(char *page)
{
	if (mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != page)
		die("mmap");
}

static void forbid_writing(char *page)
{
	if (mprotect(page, PAGE, PROT_READ))
		die("mprotect");
}

static void allow_writing(char *page)
{
	if (mprotect(page, PAGE, PROT_READ | PROT_WRITE))
		die("mprotect");
}

static void move(char *from, char *to)
{
	if (mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		die("mremap");
}

static void move_away(char *page)
{
	move(page, elsewhere);
}

static void move_back(char *page)
{
	move(elsewhere, page);
}

static void nothing(char *page)
{
	(void)page;
}

static const struct cause causes[] = {
	{ "madvise", discard, nothing },
	{ "munmap", unmap, map },
	{ "mprotect", forbid_writing, allow_writing },
	{ "mremap", move_away, move_back },
};

/* A page of this process that no guest and no cache has anything to do with, and that is really there. */
static char *unrelated_page(void)
{
	char *three = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (three == MAP_FAILED)
		die("mmap");
	elsewhere = three + 2 * PAGE;
	unmap(elsewhere);
	three[0] = 1;
	return three;
}

/* --- count: which locks does the hook take? -------------------------------------------------------------------------- */

static void invalidate(const struct cause *cause, char *page, struct vm *vm_to_refresh)
{
	*(volatile char *)page = 1;          /* the page is there: of one that is not, nothing would be withdrawn */
	if (vm_to_refresh)
		update_clock(vm_to_refresh, 0);
	cause->change(page);
	cause->restore(page);
}

static void count(int calls, int caches, const char *hook)
{
	struct vm *vm = new_vm(caches);
	char *page = unrelated_page();

	for (int n = 0; n < caches; n++) {
		start_clock(vm, n);
		update_clock(vm, n);
	}
	for (size_t c = 0; c < LENGTH(causes); c++)
		for (int related = 0; related < 2; related++) {
			char *target = related ? clock_page(vm, 0) : page;

			mark("lab: begin count hook=%s cause=%s related=%d caches=%d calls=%d", hook, causes[c].name, related, caches, calls);
			for (int n = 0; n < calls; n++)
				invalidate(&causes[c], target, related ? vm : NULL);
			mark("lab: end");
			update_clock(vm, 0);
		}
	close_vm(vm);
}

/* How many locks one use of a cache takes: with that, the number of waits can be compared with the number of reads. */
static void count_reads(int calls)
{
	for (size_t r = 0; r < LENGTH(readers); r++) {
		struct vm *vm = vm_for(&readers[r]);

		if (!vm)
			continue;
		mark("lab: begin reads reader=%s calls=%d", readers[r].name, calls);
		for (int n = 0; n < calls; n++)
			readers[r].read(vm);
		mark("lab: end");
		close_vm(vm);
	}
}

/* --- graph: one of each, to be looked at closely -------------------------------------------------------------------- */

static void graph(int caches)
{
	struct vm *vm = new_vm(caches);
	char *page = unrelated_page();
	struct sched_param first = { .sched_priority = 1 };

	if (sched_setscheduler(0, SCHED_FIFO, &first))   /* nobody else gets this CPU while we are being watched */
		die("sched_setscheduler");
	for (int n = 0; n < caches; n++) {
		start_clock(vm, n);
		update_clock(vm, n);
	}
	for (int related = 0; related < 2; related++) {
		mark("lab: begin graph cause=madvise related=%d caches=%d calls=1", related, caches);
		discard(related ? clock_page(vm, 0) : page);
		mark("lab: end");
	}
	close_vm(vm);
}

/* --- wait: who waits for whom, with two CPUs ------------------------------------------------------------------------ */

struct contest {
	const struct reader *reader;
	struct vm *vm;
	atomic_int stop;
	atomic_long reads;
};

/* Keep the calling thread on one CPU of the (guest) machine. */
static void stay_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity: is the second CPU online?");
}

static void *read_until_stopped(void *argument)
{
	struct contest *contest = argument;

	stay_on(1);
	while (!atomic_load(&contest->stop)) {
		contest->reader->read(contest->vm);
		atomic_fetch_add(&contest->reads, 1);
	}
	return NULL;
}

/*
 * Invalidations on this CPU while the reader reads on the other one: at least `calls` of them, and more until there have
 * been ENOUGH_READS reads, since a reader that hardly ran cannot have waited. The marks tell how many it was of each.
 */
static void contest(const struct reader *reader, struct vm *vm, const char *hook, char *page, int related, int run, int calls)
{
	struct contest both = { .reader = reader, .vm = vm };
	long before, reads, done;
	pthread_t thread;

	mark("lab: begin wait hook=%s reader=%s related=%d run=%d calls=%d", hook, reader->name, related, run, calls);
	if (pthread_create(&thread, NULL, read_until_stopped, &both))
		die("pthread_create");
	while (!atomic_load(&both.reads))    /* wait until it is at work */
		sched_yield();
	before = atomic_load(&both.reads);
	for (done = 0; done < calls || (atomic_load(&both.reads) - before < ENOUGH_READS && done < 50L * calls); done++)
		discard(page);
	reads = atomic_load(&both.reads) - before;
	atomic_store(&both.stop, 1);
	pthread_join(thread, NULL);
	mark("lab: end done=%ld reads=%ld", done, reads);
}

/* Let the module put another body in place of the kernel's hook, or the kernel's own one ("stock"). */
static void choose_hook(const char *hook)
{
	int fd = open(HOOK_SWITCH, O_WRONLY);

	if (fd < 0 && !strcmp(hook, "stock"))
		return;                      /* no module: the hook is the kernel's own anyway */
	if (fd < 0 || write(fd, hook, strlen(hook)) < 0)
		die(HOOK_SWITCH);
	close(fd);
}

static void wait_for_each_other(int calls, int runs, int hooks, char **hook)
{
	char *page = unrelated_page();

	stay_on(0);
	for (size_t r = 0; r < LENGTH(readers); r++) {
		struct vm *vm = vm_for(&readers[r]);

		if (!vm)
			continue;
		/* Hooks take turns within each round, so that whatever else changes with time changes for all of them. */
		for (int run = 1; run <= runs; run++)
			for (int related = 0; related < 2; related++)
				for (int h = 0; h < hooks; h++) {
					char *target = related ? vm->memory + readers[r].page * PAGE : page;

					choose_hook(hook[h]);
					/* A quarter is enough of those that hit: they show that waits would be seen. */
					contest(&readers[r], vm, hook[h], target, related, run, related ? calls / 4 : calls);
					printf("lab: reader %s, run %d of %d, %s range, hook %s\n", readers[r].name, run, runs,
					       related ? "related" : "unrelated", hook[h]);
					fflush(stdout);
				}
		choose_hook("stock");
		close_vm(vm);
	}
}

/* --- what was asked for --------------------------------------------------------------------------------------------- */

int main(int number, char **word)
{
	static char *stock[] = { "stock" };

	if (number == 2 && !strcmp(word[1], "hold")) {
		struct vm *vm = new_vm(1);

		start_clock(vm, 0);
		if (has_xen(vm))
			start_xen(vm);
		update_clock(vm, 0);
		printf("lab: holder ready\n");
		fflush(stdout);
		pause();
	} else if (number >= 4 && !strcmp(word[1], "count")) {
		const char *hook = number > 4 ? word[4] : "stock";

		choose_hook(hook);
		count(atoi(word[2]), atoi(word[3]), hook);
		count_reads(10);
		choose_hook("stock");
	} else if (number == 3 && !strcmp(word[1], "graph")) {
		graph(atoi(word[2]));
	} else if (number >= 4 && !strcmp(word[1], "wait")) {
		wait_for_each_other(atoi(word[2]), atoi(word[3]), number > 4 ? number - 4 : 1, number > 4 ? word + 4 : stock);
	} else {
		fprintf(stderr, "lab: write lab hold, lab count CALLS CACHES [HOOK], lab graph CACHES, or lab wait CALLS RUNS [HOOK...]\n");
		return 2;
	}
	return 0;
}
