//! `nvgre next-hop`: what Select-NetVirtualizationNextHop shows, and which rows say so.

use std::io::Write;
use std::path::PathBuf;

use nvgre_analyze::{Check, CheckOutcome, Finding, Names, Row, Severity, near_misses_of_address};
use nvgre_dataplane::{DropReason, Event, NextHop, Trace};
use nvgre_sim::Model;
use nvgre_wire::{CustomerAddress, VirtualSubnetId};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::guest_name::find_host;
use crate::output::Output;
use crate::scenario_file::load_for;
use crate::trace::json::JsonNear;
use crate::traced::{Near, told};

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct NextHopArgs {
    /// The scenario: a TOML file, its policy files beside it.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// The host whose tables are asked.
    #[arg(value_name = "HOST")]
    host: String,
    /// -SourceVirtualSubnetID: the subnet of the sender.
    #[arg(value_name = "VSID", value_parser = virtual_subnet)]
    virtual_subnet: VirtualSubnetId,
    /// -DestinationCustomerAddress: where the sender wants to send.
    #[arg(value_name = "CA", value_parser = customer_address)]
    to: CustomerAddress,
    /// -SourceCustomerAddress: the sender. Its record gives SourceMACAddress within the subnet.
    #[arg(long, value_name = "CA", value_parser = customer_address)]
    source: Option<CustomerAddress>,
    /// Enter the stages up to this one, name or number, instead of all.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// Hide names, addresses and subnets of tenants other than the subnet's.
    #[arg(long)]
    redact: bool,
}

fn virtual_subnet(text: &str) -> Result<VirtualSubnetId, String> {
    let number: u32 = text.parse().map_err(|_| "it is no number".to_owned())?;
    VirtualSubnetId::try_new(number).map_err(|error| error.to_string())
}

fn customer_address(text: &str) -> Result<CustomerAddress, String> {
    text.parse()
        .map_err(|error: nvgre_wire::AddressError| error.to_string())
}

/// The answer. The first six are the cmdlet's. With `--redact`, a next hop in another tenant's subnet
/// is null: `reason` is null as well then.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonNextHop<'a> {
    schema: &'static str,
    /// The sender, if it was given.
    #[serde(rename = "SourceCustomerAddress")]
    source_customer_address: Option<String>,
    /// Where it wants to send.
    #[serde(rename = "DestinationCustomerAddress")]
    destination_customer_address: String,
    /// The sender's subnet.
    #[serde(rename = "SourceVirtualSubnetID")]
    source_virtual_subnet_id: u32,
    /// The address that the frame goes to next; null: there is no way.
    #[serde(rename = "NextHopAddress")]
    next_hop_address: Option<String>,
    /// The frame's source MAC then: the sender's, or the built-in router's.
    #[serde(rename = "SourceMACAddress")]
    source_mac_address: Option<String>,
    /// The frame's destination MAC then.
    #[serde(rename = "NextHopMACAddress")]
    next_hop_mac_address: Option<String>,
    /// The subnet of the next hop.
    next_hop_virtual_subnet_id: Option<u32>,
    /// The drop reason, where there is no way.
    reason: Option<&'static str>,
    /// The customer route that was taken.
    route: Option<JsonRow>,
    /// The lookup record that names the MAC; null where the built-in router is meant.
    record: Option<JsonRow>,
    /// What nearly matched, where there is no way.
    near_misses: Vec<JsonNear<'a>>,
}

/// A row that was asked.
#[derive(Serialize, JsonSchema)]
struct JsonRow {
    /// What it is.
    text: String,
    /// FILE:LINE:COLUMN of the command that wrote it; null for a learned one.
    place: Option<String>,
}

/// Asks and prints. `No` where a frame would be dropped.
pub(crate) fn run(args: &NextHopArgs, out: &mut Output) -> Result<Exit, Failure> {
    let model = load_for(args.redact, &args.scenario, args.stage.as_deref(), out)?;
    let host = find_host(&model, &args.host)?;
    let names = Names::new(&model);
    let reader = names.tenant_of_subnet(args.virtual_subnet);
    let names = match (args.redact, reader) {
        (false, _) => names,
        (true, Some(tenant)) => Names::redacted(&model, tenant),
        (true, None) => {
            let vsid = args.virtual_subnet;
            let message = format!("--redact: VSID {vsid} is no tenant's");
            return Err(Failure::usage(message));
        }
    };
    let snapshot = model.network().hosts()[host].snapshot();
    let mut trace = Trace::default();
    let found = snapshot.next_hop_of(args.virtual_subnet, args.to, &mut trace);
    let route = trace.events().iter().find_map(|event| match *event {
        Event::RouteAsked { hit, .. } => hit.map(|id| Row::Route(host, id)),
        _other => None,
    });
    let near = near_misses(&names, &model, host, args, found);
    let record = found.ok().and_then(|found| found.record);
    let source_mac = found
        .ok()
        .and_then(|found| match (found.routed, args.source) {
            (true, _) => Some(snapshot.router_mac()),
            (false, Some(source)) => snapshot.mac_of(args.virtual_subnet, source),
            (false, None) => None,
        });
    // The rows below say that there is a way, and that it leads to another tenant.
    let shown = found
        .ok()
        .filter(|found| !names.hides_subnet(found.virtual_subnet));
    let answer = JsonNextHop {
        schema: "nvgre.next-hop/1",
        source_customer_address: args.source.map(|source| source.to_string()),
        destination_customer_address: args.to.to_string(),
        source_virtual_subnet_id: args.virtual_subnet.get(),
        next_hop_address: shown.map(|found| found.address.to_string()),
        source_mac_address: source_mac.map(|mac| mac.to_string()),
        next_hop_mac_address: shown.map(|found| found.mac.to_string()),
        next_hop_virtual_subnet_id: shown.map(|found| found.virtual_subnet.get()),
        reason: found.err().map(|reason| reason.name()),
        route: route.map(|row| row_of(&names, row)),
        record: record.map(|id| row_of(&names, Row::Record(host, id))),
        near_misses: near.iter().map(JsonNear::of).collect(),
    };
    out.check(check(&answer, found.err(), names.host(host), &near));
    if out.is_json() {
        out.json_line(&answer)?;
    } else {
        print(&answer, found.err(), names.host(host), &near, out)?;
    }
    Ok(match found {
        Ok(_) => Exit::Success,
        Err(_) => Exit::No,
    })
}

/// Whether there is a way; where there is none, at the places of what nearly matched.
fn check(answer: &JsonNextHop<'_>, reason: Option<DropReason>, host: &str, near: &[Near]) -> Check {
    let (to, vsid) = (
        &answer.destination_customer_address,
        answer.source_virtual_subnet_id,
    );
    let findings = reason.map(|reason| {
        let texts = near.iter().map(|near| format!(" {}.", near.text));
        Finding {
            rule: reason.name(),
            severity: Severity::Error,
            message: format!(
                "On {host}, from VSID {vsid} there is no way to {to}: {}{}",
                reason.sentence(),
                texts.collect::<String>()
            ),
            places: near.iter().filter_map(|near| near.place.clone()).collect(),
            fix: vec![reason.usual_fix().to_owned()],
            identity: format!("{host}/{vsid}/{to}"),
        }
    });
    Check {
        id: format!("next-hop/{host}/{vsid}/{to}"),
        title: format!("on {host}, VSID {vsid} has a way to {to}"),
        outcome: match reason {
            None => CheckOutcome::Holds,
            Some(_) => CheckOutcome::Fails,
        },
        findings: findings.into_iter().collect(),
    }
}

fn near_misses(
    names: &Names<'_>,
    model: &Model,
    host: usize,
    args: &NextHopArgs,
    found: Result<NextHop, DropReason>,
) -> Vec<Near> {
    let Err(reason) = found else {
        return Vec::new();
    };
    let misses = near_misses_of_address(model, host, args.virtual_subnet, args.to, reason);
    told(names, &misses)
}

fn row_of(names: &Names<'_>, row: Row) -> JsonRow {
    let place = match row {
        Row::Record(host, id) => names.place_of_record(host, id),
        Row::Route(host, id) => names.place_of_route(host, id),
        Row::ProviderRoute(..) => None,
    };
    JsonRow {
        text: names.scrubbed(row.text(names)),
        place: place.map(|place| names.scrubbed_place(place).to_string()),
    }
}

/// As PowerShell lists an object, and below it which rows said so.
fn print(
    answer: &JsonNextHop<'_>,
    reason: Option<DropReason>,
    host: &str,
    near: &[Near],
    out: &mut Output,
) -> Result<(), Failure> {
    let is_hidden = reason.is_none() && answer.next_hop_address.is_none();
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let of_next_hop = |value: &Option<String>| match is_hidden {
        true => "(of another tenant)".to_owned(),
        false => text(value),
    };
    let fields = [
        (
            "SourceCustomerAddress",
            text(&answer.source_customer_address),
        ),
        (
            "DestinationCustomerAddress",
            answer.destination_customer_address.clone(),
        ),
        (
            "SourceVirtualSubnetID",
            answer.source_virtual_subnet_id.to_string(),
        ),
        ("NextHopAddress", of_next_hop(&answer.next_hop_address)),
        ("SourceMACAddress", text(&answer.source_mac_address)),
        (
            "NextHopMACAddress",
            of_next_hop(&answer.next_hop_mac_address),
        ),
    ];
    for (name, value) in fields {
        let line = format!("{name:26} : {value}");
        writeln!(out, "{}", line.trim_end())?;
    }
    writeln!(out)?;
    for row in [&answer.route, &answer.record].into_iter().flatten() {
        let place = row.place.as_ref();
        let place = place.map_or_else(String::new, |place| format!(", {place}"));
        writeln!(out, "{:10} {} on {host}{place}", "says so", row.text)?;
    }
    match reason {
        None if answer.record.is_none() && !is_hidden => {
            writeln!(
                out,
                "{:10} it is an address of the built-in router",
                "says so"
            )?;
        }
        None => {}
        Some(reason) => {
            let sentence = reason.sentence().trim_end_matches('.');
            writeln!(out, "{:10} {reason}: {sentence}", "no way")?;
        }
    }
    for near in near {
        writeln!(out, "{:10} {}", "near miss", near.line())?;
    }
    Ok(())
}
