//! What a replay says for people.

use std::io::Write;

use super::expect;
use crate::counted::counted;
use crate::exit::Failure;
use crate::output::Output;
use crate::replay::result::{self, Isolation, ReplayResult};

/// Prints ledgers, drops, skips, tenants and ports, the oracle's verdict and the speed.
pub(crate) fn print(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    print_incomplete(result, out)?;
    print_ledgers(result, out)?;
    print_drops(result, out)?;
    print_skips(result, out)?;
    if result.entered() == 0 {
        print_matches(result, out)?;
        expect::print(result, out)?;
        writeln!(out, "\nNo frame entered the network: nothing was replayed.")?;
        return Ok(());
    }
    print_traffic(result, out)?;
    print_matches(result, out)?;
    print_isolation(result, out)?;
    expect::print(result, out)?;
    let rates = result.rates();
    writeln!(
        out,
        "speed      {:.0} frames/s, {:.2} Gbit/s of entering frames, {:.3} s in all",
        rates.frames_per_second,
        rates.bits_per_second / 1e9,
        result.elapsed.as_secs_f64()
    )?;
    let digest = result.replay.digest();
    writeln!(out, "hash       {digest:016x} over every delivery")?;
    Ok(())
}

/// A report on half of an input must not look like one on the whole.
fn print_incomplete(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    for input in result.inputs.iter().filter(|input| input.error.is_some()) {
        writeln!(
            out,
            "INCOMPLETE {}: only its first {} could be replayed",
            input.file,
            counted(input.frames, "frame")
        )?;
    }
    Ok(())
}

fn print_ledgers(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    let report = result.replay.report();
    let (frames, copies) = (&report.frames, &report.copies);
    writeln!(
        out,
        "frames     {} read = {} delivered + {} dropped + {} consumed + {} skipped",
        frames.read, frames.delivered, frames.dropped, frames.consumed, frames.skipped
    )?;
    writeln!(
        out,
        "copies     {} made = {} delivered + {} dropped",
        copies.made, copies.delivered, copies.dropped
    )?;
    if copies.generated > 0 {
        writeln!(
            out,
            "answers    {} made by the hosts themselves: ARP, neighbor discovery, ICMP errors",
            copies.generated
        )?;
    }
    if result.all_entered_at_uplinks() {
        writeln!(
            out,
            "           {} entered at uplinks: what their senders' hosts would have done was not asked",
            counted(report.entered_at_uplinks, "frame")
        )?;
    }
    Ok(())
}

fn print_drops(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    let drops = result.drops();
    if drops.is_empty() {
        return Ok(());
    }
    let hosts = &result.replay.model().scenario().hosts;
    writeln!(
        out,
        "\n{:<26} {:>10} {:>10}   first frame",
        "dropped", "frames", "copies"
    )?;
    for drop in &drops {
        let line = drop.line;
        writeln!(
            out,
            "  {:<24} {:>10} {:>10}   {} at {}",
            drop.reason.name(),
            line.frames,
            line.copies,
            result.frame(line.first_frame),
            hosts[drop.host].name
        )?;
        print_first(result, drop, out)?;
    }
    writeln!(out, "  nvgre codes REASON tells usual cause and fix.")?;
    Ok(())
}

/// The first frame of a drop: what it was, what it missed, and which record decided.
fn print_first(
    result: &ReplayResult<'_>,
    drop: &result::Drop<'_>,
    out: &mut Output,
) -> Result<(), Failure> {
    if let Some((summary, _)) = &drop.line.first {
        writeln!(out, "    {summary}")?;
    }
    if let Some(missed) = result.missed_by(drop) {
        writeln!(out, "    missed   {missed}")?;
    }
    if let Some((record, host, place)) = result.record_of(drop) {
        writeln!(
            out,
            "    record   {} in VSID {} is at {}, says the table of {host}",
            record.customer_address, record.virtual_subnet, record.provider_address
        )?;
        writeln!(out, "    written  {place}")?;
    }
    Ok(())
}

fn print_skips(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    let skips = &result.replay.report().skips;
    if skips.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{:<26} {:>10} {:>10}   first frame",
        "skipped", "frames", ""
    )?;
    for (reason, &(frames, first)) in skips {
        let (name, first) = (reason.name(), result.frame(first));
        writeln!(out, "  {name:<24} {frames:>10} {:>10}   {first}", "")?;
        writeln!(out, "    {}", reason.sentence())?;
    }
    Ok(())
}

/// Most matches of `--filter` that are listed: a screen of them. JSON has more.
const LISTED_MAX: usize = 20;

/// What `--filter` matched.
fn print_matches(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    let Some((filter, matches)) = result.replay.matches() else {
        return Ok(());
    };
    let frames = matches.frames;
    let matching = match frames {
        1 => "1 frame matches".to_owned(),
        _ => format!("{frames} frames match"),
    };
    writeln!(out, "\nfilter     {matching}: {filter}")?;
    for told in matches.listed.iter().take(LISTED_MAX) {
        writeln!(out, "  {}", told.line)?;
    }
    let more = frames.saturating_sub(LISTED_MAX as u64);
    if more > 0 {
        writeln!(out, "  and {more} more: -w writes them all")?;
    }
    Ok(())
}

fn print_traffic(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    let scenario = result.replay.model().scenario();
    let ports = scenario.guests.iter().map(|guest| guest.port_name());
    let tenants = scenario.tenants.iter().map(|tenant| &tenant.name);
    let ports_width = ports.map(|name| name.chars().count() + "  ".len());
    let tenants_width = tenants.map(|name| name.chars().count() + "tenant ".len());
    let width = ports_width.chain(tenants_width).max().unwrap_or(0).max(26);
    writeln!(
        out,
        "\n{:<width$} {:>25} {:>25}\n{:<width$} {:>10} {:>14} {:>10} {:>14}",
        "", "sent", "received", "", "frames", "bytes", "frames", "bytes"
    )?;
    for (index, tenant) in scenario.tenants.iter().enumerate() {
        let guests = result.guests_of(index);
        print_row(
            &format!("tenant {}", tenant.name),
            width,
            result,
            &guests,
            out,
        )?;
        for guest in guests {
            let name = format!("  {}", scenario.guests[guest].port_name());
            print_row(&name, width, result, &[guest], out)?;
        }
    }
    Ok(())
}

fn print_row(
    name: &str,
    width: usize,
    result: &ReplayResult<'_>,
    guests: &[usize],
    out: &mut Output,
) -> Result<(), Failure> {
    let traffic = result.traffic(guests);
    writeln!(
        out,
        "{name:<width$} {:>10} {:>14} {:>10} {:>14}",
        traffic.sent_frames, traffic.sent_bytes, traffic.received_frames, traffic.received_bytes
    )?;
    Ok(())
}

fn print_isolation(result: &ReplayResult<'_>, out: &mut Output) -> Result<(), Failure> {
    let counts = result.replay.oracle();
    writeln!(out)?;
    match result.isolation() {
        Isolation::Violated => {
            let first = result.replay.report().first_cross_tenant;
            let guests = &result.replay.model().scenario().guests;
            let first = first.map_or_else(String::new, |(number, guest)| {
                let frame = result.frame(number);
                format!(", first frame {frame} at {}", guests[guest].port_name())
            });
            let crossed = counted(counts.cross_tenant, "delivery");
            writeln!(
                out,
                "isolation  VIOLATED: {crossed} to another tenant{first}"
            )?;
        }
        Isolation::Undecided => writeln!(
            out,
            "isolation  UNDECIDED: some senders are not in the scenario's inventory"
        )?,
        Isolation::Isolated => {
            writeln!(out, "isolation  ISOLATED: no frame reached another tenant")?;
        }
        Isolation::NothingDelivered => {
            writeln!(
                out,
                "isolation  nothing was delivered, so nothing was judged"
            )?;
            return Ok(());
        }
    }
    writeln!(
        out,
        "           {} within a tenant, {} to another, {} from unknown senders",
        counted(counts.same_tenant, "delivery"),
        counts.cross_tenant,
        counts.sender_unknown
    )?;
    let answers = result.replay.report().copies.generated;
    if answers > 0 {
        writeln!(
            out,
            "           {} of hosts among them, in no port's figures",
            counted(answers, "answer")
        )?;
    }
    Ok(())
}
