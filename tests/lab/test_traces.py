"""Damaged, truncated and foreign traces are refused with the place and the reason: never counted."""
import io
import lzma
import tarfile

import pytest

from pfncache_edu.lab import analysis, machine, recordings
from pfncache_edu.lab.traces import Damaged, events, graph, phases

TRACE = """# tracer: function
#
# entries-in-buffer/entries-written: 6/6   #P:1
#
#           TASK-PID     CPU#     TIMESTAMP  FUNCTION
#              | |         |         |         |
             lab-95      [000]     10.917343: tracing_mark_write: lab: vm vcpus=1
   kvm-[nx]-re-8-116     [001]     10.943424: contention_end: ffffffffba5341c0 (ret=0)
             lab-95      [000]     10.945803: gpc_init: (kvm_gpc_init+0x0/0x30 [kvm]) gpc=0xffff8da90287ddc8
             lab-95      [000]     10.953574: tracing_mark_write: lab: begin wait hook=stock reader=clock related=0 run=1 calls=9
            lab2-97      [001]     10.988607: contention_begin: ffff8da90287de00 (flags=SPIN|WRITE)
             lab-95      [000]     10.988613: tracing_mark_write: lab: end done=9 reads=4
"""


def boot_of(waits, kernel="6.1", **traces):
    return recordings.Boot({"kernel": kernel}, {"waits": waits, **traces}, name="a boot")


def test_a_trace_is_events_in_phases():
    phase, = phases(events(TRACE.replace("kvm-[nx]-re", "kvm-nx-re"), "it"), "it")
    assert (phase.kind, phase.facts["reader"], phase.number("reads"), phase.pid) == ("wait", "clock", 4, 95)
    assert [(event.pid, event.line, event.text[:16]) for event in phase.events] == [(97, 11, "contention_begin")]
    assert phase.locks == ("ffff8da90287de00",)              # 0x38 behind the cache's own address


def test_a_wait_counts_if_it_is_for_the_lock_of_a_cache():
    run, = analysis.runs(boot_of(TRACE.replace("kvm-[nx]-re", "kvm-nx-re")))
    assert (run.variant, run.write_waits, run.read_waits, run.others, run.by_cache) == ("6.1", 1, 0, 0, (("kvm-clock", 1),))
    elsewhere = TRACE.replace("kvm-[nx]-re", "kvm-nx-re").replace("contention_begin: ffff8da90287de00", "contention_begin: ffff8da90287de04")
    run, = analysis.runs(boot_of(elsewhere))
    assert (run.waits, run.others) == (0, 1)


def test_caches_of_a_vm_that_is_gone_do_not_count():
    again = TRACE.replace("kvm-[nx]-re", "kvm-nx-re").replace(
        "lab: begin wait", "lab: vm vcpus=1\n             lab-95      [000]     10.95: tracing_mark_write: lab: begin wait").replace("6/6", "7/7")
    with pytest.raises(Damaged, match="no cache was initialised"):
        analysis.runs(boot_of(again))


@pytest.mark.parametrize("damage, reason", [
    (lambda text: "", "no line says how many entries"),
    (lambda text: text.partition("#\n#   ")[2], "no line says how many entries"),
    (lambda text: text.replace("6/6", "6/9"), "too small: 3 of 9 entries are lost"),
    (lambda text: text.replace("[001]     10.943424", "[001] what?"), "promise 6 entries, and 5 can be read: line 8 is"),
    (lambda text: text[:text.rindex("lab-95")], "promise 6 entries, and 5 can be read"),
    (lambda text: "".join(text.splitlines(True)[:-1]).replace("6/6", "5/5"), "begins in line 10 has no end"),
    (lambda text: text.replace("lab: begin", "lab: start"), "line 10: .* comes without a beginning"),
    (lambda text: text.replace("lab: vm vcpus=1", "lab: begin wait x=1"), "line 10: .* comes before the last phase has ended"),
    (lambda text: text.replace(" reads=4", ""), "should say how many reads"),
    (lambda text: text.replace(" reads=4", " reads=many"), "should say how many reads"),
    (lambda text: text.replace(" hook=stock", ""), "should say its hook"),
    (lambda text: text.replace("gpc_init: ", "gpc_end: "), "no cache was initialised"),
    (lambda text: text.replace("(flags=SPIN|WRITE)", "(flags=?)"), "line 11: cannot be read"),
])
def test_a_damaged_trace_is_refused_with_its_place(damage, reason):
    with pytest.raises(Damaged, match=reason):
        analysis.runs(boot_of(damage(TRACE.replace("kvm-[nx]-re", "kvm-nx-re"))))


@pytest.mark.slow
@pytest.mark.parametrize("part", ["waits", "lock-calls"])
def test_a_real_trace_is_refused_wherever_it_is_cut(stock, part):
    counts = {"waits": analysis.runs, "lock-calls": analysis.lock_calls}[part]
    text = stock[0].traces[part]
    for cut in [*range(0, 2_000, 97), *range(2_000, len(text) - 2, len(text) // 40)]:
        with pytest.raises(Damaged):
            counts(boot_of(**{"waits": "", part: text[:cut]}))


def test_a_call_graph_is_refused_if_a_line_is_none():
    good = "# tracer: function_graph\n#\n 0)    lab-1      | x() {\n ------------------------------------------\n 0)   lab-1   =>   init-2\n"
    assert [event.text for event in graph(good, "it")] == ["x() {"]
    with pytest.raises(Damaged, match="line 6: cannot be read: 'x"):
        graph(good + "x", "it")
    with pytest.raises(Damaged, match="is no call graph"):
        graph(TRACE, "it")


# --- the files --------------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def small():
    return recordings.Boot({"schema": recordings.SCHEMA, "kernel": "6.1"}, {"lock-calls": "a", "graph": "b", "waits": "c"},
                           {"lab.c": "int main;"}, "said\n")


def test_a_boot_is_what_was_written_and_the_same_boot_is_the_same_file(small):
    data = recordings.as_bytes(small)
    again = recordings.read(data, "it")
    assert (again.about, again.traces, again.sources, again.console) == (small.about, small.traces, small.sources, small.console)
    assert recordings.as_bytes(again) == data


@pytest.mark.slow
def test_a_file_with_one_wrong_byte_is_refused_wherever_it_is(small):
    data = recordings.as_bytes(small)
    for place in range(len(data)):
        with pytest.raises(Damaged):
            recordings.read(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1:], "it")


def test_a_file_is_refused_wherever_it_is_cut_off(small):
    data = recordings.as_bytes(small)
    for length in range(0, len(data), 7):
        with pytest.raises(Damaged):
            recordings.read(data[:length], "it")


@pytest.mark.parametrize("boot, reason", [
    (recordings.Boot({"schema": "other/1"}, {}), "does not say that its schema is"),
    (recordings.Boot({"schema": recordings.SCHEMA, "kernel": "6.1"}, {"waits": ""}), "lacks lock-calls, graph"),
    (recordings.Boot({"schema": recordings.SCHEMA}, {"waits": "", "lock-calls": "", "graph": ""}), "lacks the kernel version"),
    (recordings.Boot([], {}), "does not say that its schema is"),
])
def test_a_file_of_something_else_is_refused(boot, reason):
    with pytest.raises(Damaged, match=reason):
        recordings.read(recordings.as_bytes(boot), "it")


def test_an_archive_without_facts_is_refused():
    held = io.BytesIO()
    tarfile.open(fileobj=held, mode="w").close()
    with pytest.raises(Damaged, match="no about.json"):
        recordings.read(lzma.compress(held.getvalue()), "it")


# --- what comes over the serial line ---------------------------------------------------------------------------------------

SENT = "@@ begin waits\nH4sIAAAAAAACA0vkAgAHoerdAgAAAA==\n@@ end waits\n"


def test_a_part_is_unpacked():
    assert machine.parts_of(SENT) == {"waits": "a\n"}
    assert machine.parts_of("") == {}


@pytest.mark.parametrize("sent, reason", [
    (SENT[:-14], "'waits' was cut off after"),
    (SENT.replace("H4sI", "H4sJ"), "'waits' is damaged"),
    (SENT.replace("H4sI", "H*sI"), "'waits' is damaged"),
    (SENT.replace("erdAgAAAA==", ""), "'waits' is damaged"),
    (SENT + "kernel panic", "there is 'kernel panic'"),
    (SENT.replace("@@ end waits", "@@ begin graph"), "where 'waits' should end, there is '@@ begin graph'"),
])
def test_a_part_that_was_damaged_on_the_way_is_refused(sent, reason):
    with pytest.raises(Damaged, match=reason):
        machine.parts_of(sent)
