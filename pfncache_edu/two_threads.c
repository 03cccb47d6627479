/* SPDX-License-Identifier: MIT
 *
 * Two real threads, one lock: what this machine takes for a step, and what the patch is worth to a reader.
 *
 *     two_threads CPU CPU                                              the constants, a line "NAME NANOSECONDS" each
 *     two_threads CPU CPU HOLD THINK GAP PAUSE RELATED SECONDS         them, then a reader and a notifier, before and after the
 *                                                                      patch, then `remote` again as `remote_later`: a hypervisor
 *                                                                      may have moved the CPUs meanwhile
 *
 * pfncache_edu/calibrate.py compiles it, runs it and reads what it prints. It needs C11, POSIX threads and a clock; on
 * Linux each thread is pinned to its CPU, elsewhere the system places them.
 *
 * The lock has the rule of the kernel's queued rwlock: who cannot enter stands in a queue, and while a writer is first in
 * it, readers who come join the end. Each lock and each struct has a cache line of its own, as in the simulator.
 *
 * Other programs want the CPUs, too. So constants are medians, and reads are counted in windows of 100 us that are
 * dropped if either thread was away in them for longer than 15 us. A clock may tick in tens of ns, so single accesses are
 * averaged: the mean of the middle half of them.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

enum { LINE = 128, SAMPLES = 20001, BATCHES = 101, BATCH = 2000, TURNS = 50 };
enum { AWAY = 15000, WINDOW = 100000, SLICE = 1000000, LEAST = 2 * WINDOW };     /* ns */
enum { ENOUGH = 40, PATIENCE = 8 };
enum { WRITER = 1, WAITING = 2, READER = 4 };                     /* the word of a rwlock: flags, and READER for each reader */

typedef struct { _Alignas(LINE) _Atomic uint64_t value; } cell;
typedef struct { _Alignas(LINE) _Atomic uint32_t next, served; } spinlock;
typedef struct { _Alignas(LINE) _Atomic uint32_t word, next, served; } rwlock;

static int cpus[2];

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static void pin(int cpu)
{
#ifdef __linux__
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		perror("sched_setaffinity");
		exit(1);
	}
#else
	(void)cpu;
#endif
}

static void give_up(void)
{
	fprintf(stderr, "other programs took the CPUs away too often: try again when the machine is quiet\n");
	exit(1);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield");
#endif
}

/* --- locks ------------------------------------------------------------------------------------------------------ */

#define take_ticket(lock) do { \
	uint32_t mine = atomic_fetch_add(&(lock)->next, 1); \
	while (atomic_load_explicit(&(lock)->served, memory_order_acquire) != mine) \
		relax(); \
} while (0)

#define pass_ticket(lock) atomic_store_explicit(&(lock)->served, \
	atomic_load_explicit(&(lock)->served, memory_order_relaxed) + 1, memory_order_release)

/* Whether it had to wait. */
static bool read_lock(rwlock *lock)
{
	if (!(atomic_fetch_add(&lock->word, READER) & (WRITER | WAITING)))
		return false;
	atomic_fetch_sub(&lock->word, READER);
	take_ticket(lock);
	atomic_fetch_add(&lock->word, READER);
	while (atomic_load_explicit(&lock->word, memory_order_acquire) & WRITER)
		relax();
	pass_ticket(lock);
	return true;
}

static void read_unlock(rwlock *lock)
{
	atomic_fetch_sub_explicit(&lock->word, READER, memory_order_release);
}

static bool swap(rwlock *lock, uint32_t old, uint32_t new)
{
	return atomic_compare_exchange_strong(&lock->word, &old, new);
}

static void write_lock(rwlock *lock)
{
	if (swap(lock, 0, WRITER))
		return;
	take_ticket(lock);
	if (!swap(lock, 0, WRITER)) {
		atomic_fetch_or(&lock->word, WAITING);
		do {
			while (atomic_load_explicit(&lock->word, memory_order_acquire) != WAITING)
				relax();
		} while (!swap(lock, WAITING, WRITER));
	}
	pass_ticket(lock);
}

static void write_unlock(rwlock *lock)
{
	atomic_fetch_and_explicit(&lock->word, ~(uint32_t)WRITER, memory_order_release);
}

/* --- the middle ------------------------------------------------------------------------------------------------- */

static int smaller(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double *values, int many, double share)
{
	qsort(values, many, sizeof(*values), smaller);
	return values[(int)(share * (many - 1))];
}

static double middle_mean(double *values, int many)
{
	double sum = 0;

	qsort(values, many, sizeof(*values), smaller);
	for (int n = many / 4; n < many - many / 4; n++)
		sum += values[n];
	return sum / (many - many / 4 - many / 4);
}

/* --- one thread alone ------------------------------------------------------------------------------------------- */

static void spin(long turns)
{
	for (long n = 0; n < turns; n++)
		__asm__ volatile("" : "+r"(n));
}

static cell own;
static rwlock lock;
static void **chain[64];

static void thousand_turns(void) { spin(1000); }
static void turn_alone(void) { spin(1); }
static void load_alone(void) { static void **at = (void **)chain; at = *at; __asm__ volatile("" : "+r"(at)); }
static void add_alone(void) { atomic_fetch_add(&own.value, 1); }
static void fence_alone(void)
{
	spin(1);
	atomic_thread_fence(memory_order_acquire);
	atomic_thread_fence(memory_order_release);
}

/* ns per call, the median of BATCHES batches; always inlined, so that only the work is timed. */
#define ALONE(work) __extension__ ({ \
	static double batch[BATCHES]; \
	for (int b = 0; b < BATCHES; b++) { \
		double began = now(); \
		for (int n = 0; n < BATCH; n++) \
			work(); \
		batch[b] = (now() - began) / BATCH; \
	} \
	quantile(batch, BATCHES, 0.5); \
})

/* --- one thread touches what the other one has ------------------------------------------------------------------ */

static cell go, done, line;
static bool touched;

static void *toucher(void *unused)
{
	pin(cpus[1]);
	for (uint64_t n = 1; n <= SAMPLES; n++) {
		while (atomic_load(&go.value) != n)
			relax();
		if (touched)
			atomic_fetch_add(&line.value, 1);
		atomic_store(&done.value, n);
	}
	return unused;
}

/* ns of one access to the line, the clock included: after the other thread wrote to it, or not. */
static double access_after(bool touch, bool write)
{
	static double took[SAMPLES];
	pthread_t other;

	touched = touch;
	atomic_store(&go.value, 0);
	atomic_store(&done.value, 0);
	pthread_create(&other, NULL, toucher, NULL);
	for (uint64_t n = 1; n <= SAMPLES; n++) {
		atomic_store(&go.value, n);
		while (atomic_load(&done.value) != n)
			relax();
		double began = now();
		if (write)
			atomic_fetch_add(&line.value, 1);
		else
			(void)atomic_load(&line.value);
		took[n - 1] = now() - began;
	}
	pthread_join(other, NULL);
	return middle_mean(took, SAMPLES);
}

/* --- two writers: each stands in line while the other one is inside --------------------------------------------- */

static cell started, stop, entries[2];
static long inside;

static void enter_once(int thread)
{
	write_lock(&lock);
	spin(inside);
	write_unlock(&lock);
	atomic_fetch_add_explicit(&entries[thread].value, 1, memory_order_relaxed);
}

static void meet(int cpu)
{
	pin(cpu);
	atomic_fetch_add(&started.value, 1);
	while (atomic_load(&started.value) < 2)
		relax();
}

static void *other_writer(void *unused)
{
	meet(cpus[1]);
	while (!atomic_load_explicit(&stop.value, memory_order_relaxed))
		enter_once(1);
	return unused;
}

/* ns from one entry to the next, while the two take turns and stay inside for so many turns of a loop. */
static double between_entries(long turns)
{
	static double took[BATCHES];
	int many = 0;
	pthread_t other;

	inside = turns;
	atomic_store(&started.value, 0);
	atomic_store(&stop.value, 0);
	pthread_create(&other, NULL, other_writer, NULL);
	meet(cpus[0]);
	for (int tries = 0; many < BATCHES && tries < 20 * BATCHES; tries++) {
		uint64_t theirs = atomic_load(&entries[1].value);
		double began = now();
		for (int n = 0; n < TURNS; n++)
			enter_once(0);
		double ns = now() - began;
		theirs = atomic_load(&entries[1].value) - theirs;
		if (theirs >= TURNS - TURNS / 20 && theirs <= TURNS + TURNS / 20)
			took[many++] = ns / (TURNS + theirs);
	}
	atomic_store(&stop.value, 1);
	pthread_join(other, NULL);
	if (!many)
		give_up();
	return quantile(took, many, 0.25);
}

/* ns from one thread's last turn inside to the other one's first: from the times with 1000 and
 * 2000 ns inside, since two CPUs may be one core, where who waits slows down who is inside.
 */
static double without_the_stay(double turn)
{
	double ns[5];

	for (int n = 0; n < 5; n++)
		ns[n] = 2 * between_entries(1000 / turn) - between_entries(2000 / turn);
	return quantile(ns, 5, 0.5);
}

/* --- two threads on one CPU -------------------------------------------------------------------------------------- */

static int there[2], back[2];

static void *echo(void *unused)
{
	char byte;

	pin(cpus[0]);
	while (read(there[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
		;
	return unused;
}

/* ns from one thread's sleep to the other one's first instruction, and what it takes to wake it. */
static double context_switch(void)
{
	static double took[SAMPLES / 4];
	pthread_t other;
	char byte = 0;

	if (pipe(there) || pipe(back))
		return 0;
	pthread_create(&other, NULL, echo, NULL);
	for (int n = 0; n < SAMPLES / 4; n++) {
		double began = now();
		if (write(there[1], &byte, 1) != 1 || read(back[0], &byte, 1) != 1)
			return 0;
		took[n] = (now() - began) / 2;
	}
	close(there[1]);
	pthread_join(other, NULL);
	return quantile(took, SAMPLES / 4, 0.5);
}

static double at_least_0(double ns)
{
	return ns > 0 ? ns : 0;
}

static double remote_add(void)
{
	return at_least_0(access_after(true, true) - access_after(false, true)) + ALONE(add_alone);
}

static void print_constants(double turn)
{
	double remote = remote_add();

	for (int n = 0; n < 64; n++)
		chain[n] = (void **)&chain[(n + 1) % 64];
	printf("load %.2f\n", ALONE(load_alone));
	printf("miss %.2f\n", at_least_0(access_after(true, false) - access_after(false, false)));
	printf("rmw %.2f\n", ALONE(add_alone));
	printf("remote %.2f\n", remote);
	printf("hand_off %.2f\n", at_least_0(without_the_stay(turn) - remote));
	printf("barrier %.2f\n", at_least_0(ALONE(fence_alone) - ALONE(turn_alone)) / 2);
	printf("switch %.0f\n", context_switch());
	printf("clock %.2f\n", ALONE(now));
}

/* --- a reader and a notifier -------------------------------------------------------------------------------------- */

static struct { _Alignas(LINE) _Atomic bool valid; _Atomic long pfn, uhva; } gpc;
static struct { _Alignas(LINE) _Atomic long count, seq, in_progress; } kvm;
static rwlock mmu_lock;
static spinlock mn_lock, gpc_lock;
static cell alive, away, patched;         /* when the notifier was last seen, and when it last came back */

static long hold, think;
static double gap, pause_ns, related;
enum { PAGE = 7, ELSEWHERE = 9 };

static bool is_hit(long address)
{
	return atomic_load(&gpc.valid) && atomic_load(&gpc.pfn) >= 0 && atomic_load(&gpc.uhva) == address;
}

static void hook_before(long address)
{
	write_lock(&lock);
	if (is_hit(address))
		atomic_store_explicit(&gpc.valid, false, memory_order_release);
	write_unlock(&lock);
}

static void hook_after(long address)
{
	read_lock(&lock);
	bool hit = is_hit(address);
	read_unlock(&lock);
	if (hit)
		hook_before(address);
}

static void add_to_count(long n)
{
	take_ticket(&mn_lock);
	atomic_store_explicit(&kvm.count, atomic_load(&kvm.count) + n, memory_order_release);
	pass_ticket(&mn_lock);
}

static void invalidate(long address)
{
	add_to_count(1);
	take_ticket(&gpc_lock);
	(atomic_load(&patched.value) ? hook_after : hook_before)(address);
	pass_ticket(&gpc_lock);
	if (address == PAGE) {                                 /* a memslot is hit: the page tables' lock, and the sequence */
		write_lock(&mmu_lock);
		atomic_store_explicit(&kvm.in_progress, 1, memory_order_release);
		write_unlock(&mmu_lock);
		write_lock(&mmu_lock);
		atomic_store_explicit(&kvm.seq, atomic_load(&kvm.seq) + 1, memory_order_release);
		atomic_store_explicit(&kvm.in_progress, 0, memory_order_release);
		write_unlock(&mmu_lock);
	}
	add_to_count(-1);
}

static void refresh(void)
{
	long seq;

	write_lock(&lock);
	do {
		seq = atomic_load(&kvm.seq);
		write_unlock(&lock);
		write_lock(&lock);
	} while (atomic_load(&kvm.count) || atomic_load(&kvm.seq) != seq);
	atomic_store_explicit(&gpc.valid, true, memory_order_release);
	write_unlock(&lock);
}

/* Whether the reader had to wait in the lock. */
static bool use_the_cache(void)
{
	bool waited = read_lock(&lock);

	while (!atomic_load_explicit(&gpc.valid, memory_order_acquire)) {
		read_unlock(&lock);
		refresh();
		waited |= read_lock(&lock);
	}
	spin(hold);
	read_unlock(&lock);
	return waited;
}

static void *notifier(void *unused)
{
	double due = now(), last = due;
	uint64_t dice = 88172645463325252u;

	pin(cpus[1]);
	while (!atomic_load_explicit(&stop.value, memory_order_relaxed)) {
		double time = now();
		atomic_store_explicit(&alive.value, (uint64_t)time, memory_order_release);
		if (time - last > AWAY) {
			atomic_store(&away.value, (uint64_t)time);
			due = time;                                   /* what it missed while it was away is not made up for */
		}
		last = time;
		if (gap && time < due)
			continue;
		due += gap;
		dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
		invalidate((dice >> 11) * 0x1p-53 < related ? PAGE : ELSEWHERE);
		if (!gap) {
			double from = now();
			while (now() - from < pause_ns)
				;
		}
	}
	return unused;
}

/* A reader for about SLICE ns: reads and reads that waited, in `ns` that nobody was away. */
static void read_for_a_slice(double *ns, double *reads, double *waits)
{
	double begin = now(), window = begin, last = begin;
	long in_window = 0, waited = 0;
	bool disturbed = false;

	*ns = *reads = *waits = 0;
	while (last - begin < SLICE) {
		spin(think);
		waited += use_the_cache();
		in_window++;
		double time = now();
		disturbed |= time - last > AWAY;
		last = time;
		if (time - window < WINDOW)
			continue;
		if (!disturbed && atomic_load(&away.value) < window && time - atomic_load(&alive.value) < AWAY)
			*ns += time - window, *reads += in_window, *waits += waited;
		in_window = waited = disturbed = 0;
		window = now();
		last = window;
	}
}

/* The ratio of reads per ns, after the patch by before it: median and quartiles of slices; and the shares that waited. */
static void print_ratio(double seconds)
{
	static double ratios[100000];
	double ns[2], reads[2], waits[2], all[2] = { 0, 0 }, away_of[2] = { 0, 0 }, end = now() + seconds * 1e9;
	int many = 0;
	pthread_t other;

	atomic_store(&gpc.valid, true);
	atomic_store(&gpc.uhva, PAGE);
	atomic_store(&stop.value, 0);
	pthread_create(&other, NULL, notifier, NULL);
	for (int slice = 0; many < 100000; slice++) {
		if (now() > end && (many >= ENOUGH || now() > end + PATIENCE * seconds * 1e9))
			break;
		for (int n = 0; n < 2; n++) {
			int variant = (slice + n) % 2;              /* neither is always first */
			atomic_store(&patched.value, variant);
			read_for_a_slice(&ns[variant], &reads[variant], &waits[variant]);
			all[variant] += reads[variant], away_of[variant] += waits[variant];
		}
		if (ns[0] > LEAST && ns[1] > LEAST)
			ratios[many++] = reads[1] / ns[1] / (reads[0] / ns[0]);
	}
	atomic_store(&stop.value, 1);
	pthread_join(other, NULL);
	if (many < 3)
		give_up();
	printf("ratio %.4f\n", quantile(ratios, many, 0.5));
	printf("low %.4f\nhigh %.4f\n", quantile(ratios, many, 0.25), quantile(ratios, many, 0.75));
	printf("before %.5f\nafter %.5f\n", away_of[0] / all[0], away_of[1] / all[1]);
	printf("slices %d\n", many);
}

int main(int argc, char **argv)
{
	if (argc != 3 && argc != 9) {
		fprintf(stderr, "two_threads CPU CPU [HOLD THINK GAP PAUSE RELATED SECONDS]\n");
		return 2;
	}
	cpus[0] = atoi(argv[1]), cpus[1] = atoi(argv[2]);
	pin(cpus[0]);
	double turn = ALONE(thousand_turns) / 1000;

	print_constants(turn);
	if (argc == 9) {
		hold = atof(argv[3]) / turn, think = atof(argv[4]) / turn;
		gap = atof(argv[5]), pause_ns = atof(argv[6]), related = atof(argv[7]);
		print_ratio(atof(argv[8]));
		printf("remote_later %.2f\n", remote_add());
	}
	return 0;
}
