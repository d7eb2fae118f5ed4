//! `nvgre import`: a scenario from scripts, or from dumps of what hosts hold.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nvgre_netwnv::{Dump, Estate, Reconstruction, Source, reconstruct};
use nvgre_sim::{Import, Model, ModelError, Scenario};
use nvgre_wire::CustomerAddress;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::import::input::Input;
use crate::init::{print_lines, shell_word};
use crate::new_files::write_files;
use crate::output::Output;
use crate::scenario_file::rendered;

mod input;

/// What was asked for.
#[derive(Debug, clap::Args)]
pub(crate) struct ImportArgs {
    /// Scripts (*.ps1), and dumps: files or folders of them.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The scenario; its policy goes to policy/*.ps1 beside it. Nothing is overwritten.
    #[arg(short = 'o', long = "output", value_name = "SCENARIO.toml")]
    output: PathBuf,
    /// The host that scripts run on.
    #[arg(long, value_name = "HOST", default_value = "localhost")]
    host: String,
}

/// The shape of the JSON line.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonLine<'a> {
    schema: &'static str,
    /// The scenario that was written.
    scenario: String,
    /// Names of its tenants.
    tenants: Vec<&'a str>,
    /// Names of its hosts.
    hosts: Vec<&'a str>,
    /// Its guests, one entry for each adapter.
    guests: Vec<JsonGuest<'a>>,
    /// What was not read, assumed or guessed; with its place where it has one.
    notes: &'a [String],
    /// The files that were written.
    files: Vec<String>,
}

#[derive(Serialize, JsonSchema)]
struct JsonGuest<'a> {
    /// The VM's name.
    name: &'a str,
    /// The adapter's name.
    nic: &'a str,
    /// Its tenant.
    tenant: &'a str,
    /// Its host.
    host: &'a str,
    /// Its MAC.
    mac: String,
    /// Its addresses with the lengths of their prefixes.
    addresses: Vec<String>,
}

/// What the files hold.
struct Found {
    estate: Estate,
    /// By host and adapter, as far as dumps tell.
    addresses: Vec<Vec<Vec<CustomerAddress>>>,
    notes: Vec<String>,
}

/// Reads everything, writes the scenario, and says what was guessed.
pub(crate) fn run(args: &ImportArgs, out: &mut Output) -> Result<Exit, Failure> {
    let (folder, file) = split(&args.output)?;
    let Input { scripts, dump } = Input::read(&args.files)?;
    let only_scripts = dump.is_none();
    let found = found(&scripts, dump, &args.host)?;
    let mut import = Import::new(found.estate, &found.addresses);
    if import.is_empty() {
        let notes: String = found
            .notes
            .iter()
            .map(|note| format!("\n  {note}"))
            .collect();
        return Err(Failure::input(format_args!(
            "nothing in these files is of a host: nothing was written{notes}"
        )));
    }
    import.notes.splice(0..0, found.notes);
    import.check().map_err(|error| {
        Failure::input(format_args!(
            "{error}\nsuch policy is refused; nothing was written"
        ))
    })?;
    let scripts = copies(&scripts);
    let scripts = only_scripts.then_some((args.host.as_str(), &scripts[..]));
    let name = name(&args.output, file);
    let files = import.files(file, &name, scripts);
    check(&files)?;
    write_files(folder, &files)?;
    let written: Vec<_> = files
        .iter()
        .map(|(name, _)| folder.join(name).display().to_string())
        .collect();
    if out.is_json() {
        out.json_line(&json_line(args, &import, written))?;
    } else {
        print(args, &import, written, out)?;
    }
    Ok(Exit::Success)
}

/// The folder of the scenario, and its name in there.
fn split(output: &Path) -> Result<(&Path, &str), Failure> {
    let file = output.file_name().and_then(|name| name.to_str());
    match file {
        Some(file) if !output.is_dir() => Ok((output.parent().unwrap_or(Path::new("")), file)),
        _ => Err(Failure::usage(format_args!(
            "-o wants the name of a scenario file, as in {}",
            output.join("scenario.toml").display()
        ))),
    }
}

/// What the scenario is called: as its file, or as the folder of a file that has the usual name.
fn name(output: &Path, file: &str) -> String {
    let stem = Path::new(file)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy();
    let folder = output.parent().and_then(Path::file_name);
    match folder {
        Some(folder) if stem == "scenario" => folder.to_string_lossy().into_owned(),
        Some(_) | None => stem.into_owned(),
    }
}

fn found(scripts: &[Source], dump: Option<Dump>, local_host: &str) -> Result<Found, Failure> {
    let dump = dump.unwrap_or_default();
    let mut notes: Vec<_> = dump.notes.iter().map(ToString::to_string).collect();
    let made = reconstruct(scripts, local_host, dump.estate).map_err(|(index, errors)| {
        Failure::from(ModelError::Script {
            source: scripts[index].clone(),
            errors,
        })
    })?;
    let Reconstruction {
        estate,
        reports,
        notes: made_up,
    } = made;
    notes.extend(made_up.iter().map(ToString::to_string));
    for report in &reports {
        notes.extend(report.warnings.iter().map(ToString::to_string));
        let idle = report.display_only.iter();
        notes.extend(idle.map(|(place, name)| format!("{place}: {name} only shows or waits")));
    }
    if estate.host(local_host).is_some() && local_host == "localhost" {
        notes.push(
            "commands for no other host are taken as run on a host localhost: --host names it"
                .to_owned(),
        );
    }
    let addresses = dump
        .hosts
        .into_iter()
        .map(|host| host.ip_addresses)
        .collect();
    Ok(Found {
        estate,
        addresses,
        notes,
    })
}

/// Names within the folder of the scenario, all different, and texts.
fn copies(sources: &[Source]) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    for source in sources {
        let path = Path::new(&*source.name);
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut name = format!("policy/{stem}.ps1");
        for number in 2.. {
            if files
                .iter()
                .all(|(known, _)| !known.eq_ignore_ascii_case(&name))
            {
                break;
            }
            name = format!("policy/{stem}-{number}.ps1");
        }
        files.push((name, source.text.clone()));
    }
    files
}

/// Whether what is about to be written can be read.
fn check(files: &[(String, String)]) -> Result<(), Failure> {
    let Some(((name, text), policy)) = files.split_last() else {
        return Ok(());
    };
    let scenario = Scenario::parse(name, text).map_err(|errors| rendered(&errors, text))?;
    let read = |wanted: &str| {
        let found = policy.iter().find(|(name, _)| name == wanted);
        found
            .map(|(_, text)| text.clone())
            .ok_or(io::ErrorKind::NotFound.into())
    };
    Model::new(scenario, &read)?;
    Ok(())
}

fn json_line<'a>(args: &ImportArgs, import: &'a Import, files: Vec<String>) -> JsonLine<'a> {
    let (tenants, hosts, guests) = import.inventory();
    JsonLine {
        schema: "nvgre.import/1",
        scenario: args.output.to_string_lossy().into_owned(),
        tenants: tenants.iter().map(|tenant| tenant.name.as_str()).collect(),
        hosts: hosts.iter().map(|host| host.name.as_str()).collect(),
        guests: guests
            .iter()
            .map(|guest| JsonGuest {
                name: &guest.name,
                nic: &guest.nic,
                tenant: &tenants[guest.tenant].name,
                host: &hosts[guest.host].name,
                mac: guest.mac.to_string(),
                addresses: addresses(guest),
            })
            .collect(),
        notes: &import.notes,
        files,
    }
}

fn addresses(guest: &nvgre_sim::scenario::Guest) -> Vec<String> {
    let own = guest.addresses.iter();
    own.map(|own| format!("{}/{}", own.address, own.prefix_length))
        .collect()
}

fn print(
    args: &ImportArgs,
    import: &Import,
    files: Vec<String>,
    out: &mut Output,
) -> io::Result<()> {
    let (tenants, hosts, guests) = import.inventory();
    writeln!(out, "Found")?;
    let lines = hosts.iter().map(|host| {
        format!(
            "host   {:<24} MAC {}  NIC {}",
            host.name, host.mac, host.interface_name
        )
    });
    print_lines(out, lines)?;
    let lines = tenants.iter().map(|tenant| {
        let subnets: Vec<_> = tenant
            .virtual_subnets
            .iter()
            .map(ToString::to_string)
            .collect();
        format!("tenant {:<24} VSID {}", tenant.name, subnets.join(", "))
    });
    print_lines(out, lines)?;
    let lines = guests.iter().map(|guest| {
        let own = addresses(guest);
        let own = if own.is_empty() {
            "none".to_owned()
        } else {
            own.join(", ")
        };
        let host = &hosts[guest.host].name;
        format!(
            "guest  {:<24} MAC {}  CA {own}, on {host}",
            guest.port_name(),
            guest.mac
        )
    });
    print_lines(out, lines)?;
    if !import.notes.is_empty() {
        writeln!(out, "\nTo look at")?;
        print_lines(out, import.notes.iter().cloned())?;
    }
    writeln!(out, "\nWritten, every guess a comment")?;
    print_lines(out, files.into_iter())?;
    writeln!(
        out,
        "\nNext\n  nvgre show {}",
        shell_word(&args.output.to_string_lossy())
    )
}
