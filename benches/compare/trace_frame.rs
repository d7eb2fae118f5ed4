//! What it takes to be told how a frame is decided: `trace_frame` prints the nanoseconds of each, the
//! text of its steps included.

use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use nvgre_bench_cases::{Tables, case_of};
use nvgre_dataplane::{Nanos, NoEgress, Snapshot, Trace, Verdict, Worker};
use nvgre_wire::{FrameBuf, HEADROOM};

/// The case whose frames and records they are.
const CASE: &str = "encap/ipv4/64B";

fn main() -> Result<(), Box<dyn Error>> {
    let tables = Tables::new(1_000);
    let scene = case_of(CASE).ok_or("no such case")?.scene;
    let policy = scene.policy(&tables);
    let snapshot = Snapshot::new(&policy, 1).map_err(|errors| format!("{errors:?}"))?;
    let port = policy.ports.first().ok_or("nobody sends")?.id;
    let mut worker = Worker::new();
    for frame in scene.frames(&tables) {
        let start = Instant::now();
        let mut memory = vec![0; HEADROOM + frame.len()];
        memory[HEADROOM..].copy_from_slice(&frame);
        let mut buffer = FrameBuf::new(&mut memory, HEADROOM..HEADROOM + frame.len())?;
        let mut trace = Trace::default();
        let verdict = worker.outbound_frame(
            Nanos(0),
            &snapshot,
            port,
            &mut buffer,
            &mut NoEgress,
            &mut trace,
        );
        let mut text = String::new();
        for event in trace.events() {
            writeln!(text, "{event:?}")?;
        }
        writeln!(text, "{verdict:?}")?;
        let text = black_box(text);
        let took = start.elapsed();
        if verdict != Verdict::Uplink || text.lines().count() < 2 {
            return Err(format!("a frame that was to leave: {text}").into());
        }
        println!("{}", took.as_nanos());
    }
    Ok(())
}
