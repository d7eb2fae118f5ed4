//! `nvgre export`: what hosts hold or should hold, as commands or as dumps.

use std::fmt::Write as _;
use std::io::Write as _;
use std::iter;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use nvgre_netwnv::{Adapter, Host, Propagated, Propagation, dump_csv, dump_json, quoted};
use nvgre_sim::Model;
use nvgre_wire::CustomerAddress;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::new_files::write_files;
use crate::output::Output;
use crate::same_file::refuse_over;
use crate::scenario_file::{load_watched, policy_files};
use crate::whole_file;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct ExportArgs {
    /// The scenario: a TOML file, its policy files beside it.
    #[arg(value_name = "SCENARIO")]
    scenario: PathBuf,
    /// What to write.
    #[arg(long = "as", value_name = "FORMAT")]
    format: Format,
    /// Only what this host should hold, once everybody has what was changed on any of them.
    #[arg(long, value_name = "HOST")]
    for_host: Option<String>,
    /// Enter the stages up to this one, name or number, instead of all.
    #[arg(long, value_name = "STAGE")]
    stage: Option<String>,
    /// The file; for csv the folder, in which nothing is overwritten [default: stdout, not for csv].
    #[arg(short = 'o', long = "output", value_name = "FILE|DIR")]
    output: Option<PathBuf>,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Commands to run; for all hosts a block for each.
    Powershell,
    /// An array of objects, as ConvertTo-Json writes what Get- cmdlets give.
    Json,
    /// A folder for each host and a file for each Get- cmdlet, as Export-Csv writes it.
    Csv,
}

/// The shape of the JSON line.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonLine<'a> {
    schema: &'static str,
    /// The scenario file.
    scenario: String,
    /// What was written: powershell, json or csv.
    #[serde(rename = "as")]
    format: &'static str,
    /// Only what this host should hold; null: what each host holds.
    for_host: Option<&'a str>,
    /// The hosts that were written.
    hosts: Vec<&'a str>,
    /// The files that were written; none without -o.
    files: Vec<String>,
    /// What was exported; null where it was written to files.
    text: Option<&'a str>,
    /// Pairs of places of rows that hosts hold differently, none written later than the other.
    disputed: Vec<[String; 2]>,
}

/// Writes every host, or what the one asked for should hold.
pub(crate) fn run(args: &ExportArgs, out: &mut Output) -> Result<Exit, Failure> {
    if args.format == Format::Csv && args.output.is_none() {
        return Err(Failure::usage(
            "csv is a folder of files: name it with -o DIR",
        ));
    }
    let mut propagation = None;
    let model = load_watched(&args.scenario, args.stage.as_deref(), out, |model| {
        let estate = model.estate();
        match &mut propagation {
            None => propagation = Some(Propagation::new(estate)),
            Some(known) => known.changed(estate),
        }
    })?;
    if args
        .output
        .as_ref()
        .is_some_and(|name| name == Path::new("-"))
    {
        return Err(Failure::usage(
            "-o -: the output goes to a file; without -o it goes to stdout",
        ));
    }
    // csv overwrites nothing, whatever is there.
    if let Some(file) = args.output.as_ref().filter(|_| args.format != Format::Csv) {
        let inputs = iter::once(args.scenario.as_path());
        refuse_over("-o", file, inputs.chain(policy_files(model.scenario())))?;
    }
    let estate = model.estate();
    let should_hold = match &args.for_host {
        None => None,
        Some(name) => {
            let host = host_index(&model, name)?;
            propagation.map(|known| known.of_host(estate, host))
        }
    };
    let disputed = should_hold
        .as_ref()
        .map_or(&[][..], |known| &known.disputed);
    for [one, other] in disputed {
        out.complain(format_args!(
            "{one} and {other} say different things of one row, and none was written later: the host keeps its own"
        ))?;
    }
    let vanished = should_hold
        .as_ref()
        .map_or(&[][..], |known| &known.vanished);
    for lost in vanished {
        let name = &lost.host;
        if lost.wiped > 0 {
            out.complain(format_args!(
                "note: {name} lost {} records and routes with its binding: nobody removed them, so the others keep them",
                lost.wiped
            ))?;
        } else {
            out.complain(format_args!(
                "note: all {} records and routes of {name} were removed at once: what is not made again, the others are to remove as well",
                lost.removed
            ))?;
        }
    }
    for guest in model
        .scenario()
        .guests
        .iter()
        .filter(|guest| guest.vlan.is_some())
    {
        out.complain(format_args!(
            "note: the VLAN of {} is not exported: commands and dumps of it are not modeled",
            guest.port_name()
        ))?;
    }
    let hosts: Vec<&Host> = match &should_hold {
        Some(known) => vec![&known.host],
        None => estate.hosts.iter().collect(),
    };
    let text = match args.format {
        Format::Powershell => Some(match &should_hold {
            Some(known) => script_for(known),
            None => script_for_all(&hosts),
        }),
        Format::Json => Some(dump_json(&hosts, |host, adapter| {
            addresses(&model, host, adapter)
        })),
        Format::Csv => None,
    };
    let files = write(args, &hosts, text.as_deref())?;
    if out.is_json() {
        out.json_line(&JsonLine {
            schema: "nvgre.export/1",
            scenario: args.scenario.to_string_lossy().into_owned(),
            format: args.format.name(),
            for_host: args.for_host.as_deref(),
            hosts: hosts.iter().map(|host| host.name.as_str()).collect(),
            text: text.as_deref().filter(|_| files.is_empty()),
            files,
            disputed: disputed
                .iter()
                .map(|places| places.each_ref().map(ToString::to_string))
                .collect(),
        })?;
    } else if files.is_empty() {
        out.write_all(text.unwrap_or_default().as_bytes())?;
    } else {
        for file in files {
            writeln!(out, "{file}")?;
        }
    }
    Ok(Exit::Success)
}

impl Format {
    const fn name(self) -> &'static str {
        match self {
            Self::Powershell => "powershell",
            Self::Json => "json",
            Self::Csv => "csv",
        }
    }
}

fn host_index(model: &Model, name: &str) -> Result<usize, Failure> {
    let hosts = &model.estate().hosts;
    let found = hosts
        .iter()
        .position(|host| host.name.eq_ignore_ascii_case(name));
    found.ok_or_else(|| {
        let names: Vec<_> = hosts.iter().map(|host| host.name.as_str()).collect();
        Failure::usage(format!("no host '{name}'; there are: {}", names.join(", ")))
    })
}

/// Writes to where `-o` says; gives the names of what was written, none without `-o`.
fn write(args: &ExportArgs, hosts: &[&Host], text: Option<&str>) -> Result<Vec<String>, Failure> {
    let Some(output) = &args.output else {
        return Ok(Vec::new());
    };
    if let Some(text) = text {
        let name = output.display().to_string();
        // Without the mark, Windows PowerShell reads a script as ANSI.
        let mark = match args.format {
            Format::Powershell => "\u{feff}",
            Format::Json | Format::Csv => "",
        };
        let text = format!("{mark}{text}");
        return match whole_file::write(output, text.as_bytes()) {
            Ok(()) => Ok(vec![name]),
            Err(error) => Err(Failure::output(format_args!("{name}: {error}"))),
        };
    }
    let mut files = Vec::new();
    for host in hosts {
        if host.name.contains(['/', '\\']) || host.name.starts_with('.') {
            let what = format!("host '{}' cannot be the name of a folder", host.name);
            return Err(Failure::output(what));
        }
        let of_host = dump_csv(host).into_iter();
        files.extend(of_host.map(|(name, text)| (format!("{}/{name}", host.name), text)));
    }
    write_files(output, &files)?;
    let names = files.iter().map(|(name, _)| output.join(name));
    Ok(names.map(|path| path.display().to_string()).collect())
}

const HOW: &str = "\
# It can be run on a bare host, and again on one that holds these rows already: each row is removed, if it
# is there, and made again; with a route all others of its subnet to the same prefix are removed. Provider
# addresses are set instead, so that they are not probed for duplicates anew. Rows that are not named here
# stay. NICs, switches and VMs must be there.
";

/// Commands for one host, its removed rows first.
fn script_for(known: &Propagated) -> String {
    let host = &known.host;
    let mut script = format!(
        "# What {} should hold. Run it on {}, as administrator.\n{HOW}\n",
        one_line(&host.name),
        one_line(&host.name)
    );
    let records = known.removed_records.iter().map(|entry| entry.removal());
    let routes = known.removed_routes.iter().map(|entry| entry.removal());
    let addresses = known.removed_provider_addresses.iter();
    let addresses = addresses.map(|entry| entry.removal());
    let provider_routes = known.removed_provider_routes.iter();
    let provider_routes = provider_routes.map(|entry| entry.removal());
    let removals: Vec<_> = records
        .chain(routes)
        .chain(provider_routes)
        .chain(addresses)
        .collect();
    if !removals.is_empty() {
        script += "# Removed on another host or on this one, and on none made again:\n";
        script += &removals.join("\n");
        script += "\n\n";
    }
    script + &host.to_powershell()
}

/// A block of commands for each host.
fn script_for_all(hosts: &[&Host]) -> String {
    let mut script = format!(
        "# What the hosts hold, a block for each. Run it, as administrator, where all of them can be reached.\n{HOW}"
    );
    for host in hosts {
        let name = quoted(&host.name);
        let commands = host.to_powershell();
        // Writing to a text does not fail.
        let _infallible = write!(
            script,
            "\nInvoke-Command -ComputerName {name} -ScriptBlock {{\n{commands}}}\n"
        );
    }
    script
}

/// A name within a comment of one line.
fn one_line(name: &str) -> String {
    name.escape_debug().to_string()
}

/// What the guest of an adapter has configured.
fn addresses(model: &Model, _: &Host, adapter: &Adapter) -> Vec<CustomerAddress> {
    let mut guests = model.scenario().guests.iter();
    let guest = guests.find(|guest| {
        guest.name.eq_ignore_ascii_case(&adapter.vm_name)
            && guest.nic.eq_ignore_ascii_case(&adapter.name)
    });
    let own = guest.map_or(&[][..], |guest| &guest.addresses);
    own.iter().map(|own| own.address).collect()
}
