//! What a replay says about the capture that its deliveries were compared with.

use std::io::Write;

use nvgre_sim::{Comparison, Difference, DifferenceKind};
use schemars::JsonSchema;
use serde::Serialize;

use crate::counted::counted;
use crate::exit::Failure;
use crate::output::Output;
use crate::replay::result::ReplayResult;

/// Deliveries beside the capture that was wanted.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonExpectation<'a> {
    /// The capture, as it was named.
    file: String,
    /// Whether ports were compared one by one, or all deliveries in their order.
    compared: Compared,
    /// Frames that are wanted.
    wanted: u64,
    /// Frames that were delivered and compared.
    delivered: u64,
    /// Answers that hosts made: among those where ports are compared, else passed over.
    answers: u64,
    /// Those that are as wanted.
    same: u64,
    /// Wanted, and not delivered.
    missing: u64,
    /// Delivered, and not wanted.
    unexpected: u64,
    /// Others than wanted.
    different: u64,
    /// The first differences, at most 20.
    first: Vec<JsonDifference<'a>>,
}

#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Compared {
    /// Ports one by one.
    Ports,
    /// All deliveries in their order.
    Order,
}

/// One difference; what it has not is null.
#[derive(Serialize, JsonSchema)]
struct JsonDifference<'a> {
    /// `missing`, `unexpected` or `different`.
    what: &'static str,
    /// Where ports are compared one by one.
    port: Option<String>,
    /// Number of the packet in the wanted capture, from 1.
    packet: Option<u64>,
    /// Number of the frame that was delivered, from 1 over all inputs.
    frame: Option<u64>,
    /// Offset of the first byte that differs.
    offset_bytes: Option<usize>,
    /// What that byte belongs to.
    field: Option<&'a str>,
    /// Length of the wanted frame.
    wanted_bytes: Option<usize>,
    /// Length of the frame that was delivered.
    delivered_bytes: Option<usize>,
    /// The frame, the wanted one if there is one.
    summary: &'a str,
}

/// The same for tools.
pub(crate) fn json<'a>(result: &'a ReplayResult<'_>) -> Option<JsonExpectation<'a>> {
    let (file, comparison) = result.expectation()?;
    let first = comparison.first.iter();
    Some(JsonExpectation {
        file: file.display().to_string(),
        compared: match comparison.is_by_port() {
            true => Compared::Ports,
            false => Compared::Order,
        },
        wanted: comparison.wanted_frames(),
        delivered: comparison.delivered,
        answers: comparison.answers,
        same: comparison.same,
        missing: comparison.missing,
        unexpected: comparison.unexpected,
        different: comparison.different,
        first: first.map(|difference| of(result, difference)).collect(),
    })
}

fn of<'a>(result: &ReplayResult<'_>, difference: &'a Difference) -> JsonDifference<'a> {
    let none = JsonDifference {
        what: "missing",
        port: port(result, difference),
        packet: None,
        frame: None,
        offset_bytes: None,
        field: None,
        wanted_bytes: None,
        delivered_bytes: None,
        summary: &difference.summary,
    };
    match &difference.what {
        DifferenceKind::Missing { packet } => JsonDifference {
            packet: Some(*packet),
            ..none
        },
        DifferenceKind::Unexpected { frame } => JsonDifference {
            what: "unexpected",
            frame: Some(*frame),
            ..none
        },
        DifferenceKind::Different {
            packet,
            frame,
            offset_bytes,
            field,
            wanted_bytes,
            delivered_bytes,
        } => JsonDifference {
            what: "different",
            packet: Some(*packet),
            frame: Some(*frame),
            offset_bytes: Some(*offset_bytes),
            field: Some(field),
            wanted_bytes: Some(*wanted_bytes),
            delivered_bytes: Some(*delivered_bytes),
            ..none
        },
    }
}

fn port(result: &ReplayResult<'_>, difference: &Difference) -> Option<String> {
    let guests = &result.replay.model().scenario().guests;
    difference.guest.map(|guest| guests[guest].port_name())
}

/// How much differs, in words.
pub(crate) fn differs(comparison: &Comparison) -> String {
    format!(
        "{} missing, {} unexpected, {} different",
        counted(comparison.missing, "frame"),
        comparison.unexpected,
        comparison.different
    )
}

/// The first differences, a line each.
pub(crate) fn lines(result: &ReplayResult<'_>, comparison: &Comparison) -> Vec<String> {
    let first = comparison.first.iter();
    first.map(|difference| line(result, difference)).collect()
}

fn line(result: &ReplayResult<'_>, difference: &Difference) -> String {
    let at = port(result, difference).map_or_else(String::new, |port| format!(" at {port}"));
    let summary = &difference.summary;
    match &difference.what {
        DifferenceKind::Missing { packet } => {
            format!("missing: packet {packet}{at}: {summary}")
        }
        DifferenceKind::Unexpected { frame } => {
            let frame = result.frame(*frame);
            format!("unexpected: frame {frame}{at}: {summary}")
        }
        DifferenceKind::Different {
            packet,
            frame,
            offset_bytes,
            field,
            wanted_bytes,
            delivered_bytes,
        } => {
            let frame = result.frame(*frame);
            let lengths = if wanted_bytes == delivered_bytes {
                String::new()
            } else {
                format!(", {wanted_bytes} bytes wanted, {delivered_bytes} delivered")
            };
            format!(
                "different: packet {packet}, frame {frame}{at}: {field} at byte {offset_bytes}{lengths}: {summary}"
            )
        }
    }
}

/// For people.
pub(crate) fn print(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    let Some((file, comparison)) = result.expectation() else {
        return Ok(());
    };
    let (wanted, file) = (counted(comparison.wanted_frames(), "frame"), file.display());
    let delivered = comparison.delivered;
    let how = match comparison.is_by_port() {
        true => "port by port",
        false => "in their order",
    };
    if comparison.holds() {
        let delivered = counted(delivered, "delivery");
        writeln!(
            out,
            "expect     AS WANTED: {delivered}, {how}, as in {file}"
        )?;
        return print_answers(comparison, out);
    }
    writeln!(
        out,
        "expect     DIFFERS: {wanted} wanted by {file}, {delivered} delivered, {how}\n           {}, {} as wanted",
        differs(comparison),
        comparison.same
    )?;
    print_answers(comparison, out)?;
    for line in lines(result, comparison) {
        writeln!(out, "  {line}")?;
    }
    let told = comparison.first.len() as u64;
    let all = comparison.missing + comparison.unexpected + comparison.different;
    if all > told {
        writeln!(out, "  and {} more", all - told)?;
    }
    Ok(())
}

/// What became of the answers of hosts, which only some captures have.
fn print_answers(comparison: &Comparison, out: &mut Output) -> Result<(), Failure> {
    let answers = counted(comparison.answers, "answer");
    match (comparison.answers, comparison.is_by_port()) {
        (0, _) => {}
        (_, true) => writeln!(out, "           {answers} of hosts among them")?,
        (_, false) => writeln!(
            out,
            "           {answers} of hosts beside them, not compared: only captures with ports have answers"
        )?,
    }
    Ok(())
}
