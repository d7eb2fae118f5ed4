//! `nvgre init`: a scenario guessed from a capture, to be corrected by whoever knows better.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use nvgre_sim::{Skeleton, SkeletonError, Survey};
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::input::open_capture;
use crate::new_files::{refuse_existing, write_files};
use crate::output::Output;

/// What `nvgre init` is asked.
#[derive(Debug, clap::Args)]
pub(crate) struct InitArgs {
    /// Capture to guess from; - is stdin.
    #[arg(short = 'r', long = "read", value_name = "CAPTURE")]
    pub(crate) read: PathBuf,
    /// Folder for scenario.toml and policy/*.ps1; nothing in it is overwritten [default: the
    /// capture's name with -scenario, in the current folder].
    #[arg(short = 'o', long = "output", value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

/// Most lines printed of a kind; the files have them all.
const LINES_PRINTED: usize = 20;

/// What was guessed from a capture, and written.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonLine<'a> {
    schema: &'static str,
    /// The capture, as it was named.
    capture: String,
    /// The scenario file that was written.
    scenario: String,
    /// Frames of the capture.
    frames: u64,
    /// Those that are NVGRE.
    nvgre_frames: u64,
    /// The MTU of the underlay.
    mtu_bytes: u16,
    /// In the order of their ids.
    virtual_subnets: Vec<JsonSubnet<'a>>,
    /// The modeled hosts.
    hosts: Vec<JsonHost<'a>>,
    /// The modeled guests.
    guests: Vec<JsonGuest<'a>>,
    /// What people should know of the guess.
    notes: Vec<JsonNote<'a>>,
    /// Files that were written.
    files: Vec<String>,
}

/// A virtual subnet of the guess.
#[derive(Serialize, JsonSchema)]
struct JsonSubnet<'a> {
    /// VirtualSubnetId.
    vsid: u32,
    /// The tenant it is given to.
    tenant: &'a str,
    /// A routing domain, made up: {GUID}.
    routing_domain: String,
    /// On-link prefixes.
    prefixes: Vec<String>,
}

/// A host of the guess.
#[derive(Serialize, JsonSchema)]
struct JsonHost<'a> {
    /// Its name, made up.
    name: &'a str,
    /// The MAC of its NIC.
    mac: String,
    /// Whether the capture shows that MAC; else it is made up.
    mac_seen: bool,
    /// Its provider addresses.
    provider_addresses: Vec<String>,
}

/// A guest of the guess.
#[derive(Serialize, JsonSchema)]
struct JsonGuest<'a> {
    /// Its name, made up.
    name: &'a str,
    /// VirtualSubnetId of its port.
    vsid: u32,
    /// Its MAC.
    mac: String,
    /// The host it is on.
    host: &'a str,
    /// Customer addresses with their prefix lengths.
    addresses: Vec<String>,
    /// Whether it forwards for addresses that are not its own.
    is_gateway: bool,
    /// Frames of the capture that it sent.
    frames_sent: u64,
    /// The frame that shows it first, from 1.
    first_frame: u64,
}

/// Something to know of the guess.
#[derive(Serialize, JsonSchema)]
struct JsonNote<'a> {
    /// A sentence.
    text: &'a str,
    /// The frame it is about, from 1.
    frame: Option<u64>,
}

/// Reads the capture, writes the folder, and says what was found and what was guessed.
pub(crate) fn run(args: &InitArgs, out: &mut Output) -> Result<Exit, Failure> {
    let name = match args.read.file_stem() {
        Some(stem) if args.read != Path::new("-") => stem.to_string_lossy().into_owned(),
        Some(_) | None => "stdin".to_owned(),
    };
    let folder = args
        .output
        .clone()
        .unwrap_or_else(|| format!("{name}-scenario").into());
    // Known before a long capture is read.
    refuse_existing(&folder.join(Skeleton::SCENARIO_FILE))?;
    let survey = survey(&args.read)?;
    let skeleton = match survey.finish() {
        Ok(skeleton) => skeleton,
        Err(error) => return nothing(&args.read, &error, out),
    };
    let files = skeleton.files(&name, &args.read.to_string_lossy());
    write_files(&folder, &files)?;
    if out.is_json() {
        out.json_line(&json_line(args, &folder, &skeleton, &files))?;
    } else {
        print(args, &folder, &skeleton, &files, out)?;
    }
    Ok(Exit::Success)
}

fn survey(capture: &Path) -> Result<Survey, Failure> {
    let fail = |error: &dyn std::fmt::Display| {
        Failure::input(format_args!(
            "{}: {error}; nothing was written",
            capture.display()
        ))
    };
    let mut reader = open_capture(capture).map_err(|error| fail(&error))?;
    let mut survey = Survey::default();
    while let Some(packet) = reader.next().map_err(|error| fail(&error))? {
        survey
            .packet(&packet)
            .map_err(|error| fail(&format_args!("packet {}: {error}", packet.number)))?;
    }
    Ok(survey)
}

fn nothing(capture: &Path, error: &SkeletonError, out: &mut Output) -> Result<Exit, Failure> {
    let advice = match error {
        SkeletonError::Refused(_) => "; `nvgre codes REASON` explains a reason",
        SkeletonError::Empty | SkeletonError::NoGuest => "",
    };
    out.complain(format_args!(
        "{}: {error}{advice}; nothing was written",
        capture.display()
    ))?;
    Ok(Exit::Nothing)
}

fn json_line<'a>(
    args: &InitArgs,
    folder: &Path,
    skeleton: &'a Skeleton,
    files: &[(String, String)],
) -> JsonLine<'a> {
    JsonLine {
        schema: "nvgre.init/1",
        capture: args.read.to_string_lossy().into_owned(),
        scenario: folder
            .join(Skeleton::SCENARIO_FILE)
            .to_string_lossy()
            .into_owned(),
        frames: skeleton.frames,
        nvgre_frames: skeleton.nvgre_frames,
        mtu_bytes: skeleton.mtu_bytes,
        virtual_subnets: skeleton
            .subnets
            .iter()
            .map(|subnet| JsonSubnet {
                vsid: subnet.virtual_subnet.get(),
                tenant: &subnet.tenant,
                routing_domain: subnet.routing_domain.to_string(),
                prefixes: subnet.prefixes.iter().map(ToString::to_string).collect(),
            })
            .collect(),
        hosts: skeleton
            .hosts
            .iter()
            .map(|host| JsonHost {
                name: &host.name,
                mac: host.mac.to_string(),
                mac_seen: host.mac_seen,
                provider_addresses: provider_addresses(host),
            })
            .collect(),
        guests: skeleton
            .guests
            .iter()
            .map(|guest| JsonGuest {
                name: &guest.name,
                vsid: guest.virtual_subnet.get(),
                mac: guest.mac.to_string(),
                host: &skeleton.hosts[guest.host].name,
                addresses: guest.addresses.iter().map(ToString::to_string).collect(),
                is_gateway: guest.is_gateway,
                frames_sent: guest.frames_sent,
                first_frame: guest.first_frame,
            })
            .collect(),
        notes: skeleton
            .notes
            .iter()
            .map(|note| JsonNote {
                text: &note.text,
                frame: note.frame,
            })
            .collect(),
        files: files
            .iter()
            .map(|(name, _)| folder.join(name).to_string_lossy().into_owned())
            .collect(),
    }
}

fn provider_addresses(host: &nvgre_sim::SkeletonHost) -> Vec<String> {
    host.provider_addresses
        .iter()
        .map(|provider| provider.address.to_string())
        .collect()
}

fn print(
    args: &InitArgs,
    folder: &Path,
    skeleton: &Skeleton,
    files: &[(String, String)],
    out: &mut Output,
) -> io::Result<()> {
    let (frames, nvgre) = (skeleton.frames, skeleton.nvgre_frames);
    if skeleton.is_bare() {
        writeln!(
            out,
            "{}: {frames} frames, none of them NVGRE",
            args.read.display()
        )?;
        writeln!(out, "VSID, tenant, host and provider address are made up")?;
    } else {
        writeln!(
            out,
            "{}: {frames} frames, {nvgre} of them NVGRE",
            args.read.display()
        )?;
    }
    writeln!(out, "\nFound")?;
    let hosts = skeleton
        .hosts
        .iter()
        .filter(|_| !skeleton.is_bare())
        .map(|host| {
            let mac = if host.mac_seen {
                host.mac.to_string()
            } else {
                "not shown".to_owned()
            };
            let addresses = provider_addresses(host).join(", ");
            format!("host   {:<24} MAC {mac:<12}  PA {addresses}", host.name)
        });
    print_lines(out, hosts)?;
    let guests = skeleton.guests.iter().map(|guest| {
        let host = &skeleton.hosts[guest.host].name;
        let addresses = joined(&guest.addresses, "none");
        format!(
            "guest  {:<24} MAC {}  CA {addresses}, on {host}",
            guest.name, guest.mac
        )
    });
    print_lines(out, guests)?;
    writeln!(out, "\nGuessed")?;
    let subnets = skeleton.subnets.iter().map(|subnet| {
        let prefixes = joined(&subnet.prefixes, "none");
        format!(
            "tenant {:<24} VSID {}, on-link {prefixes}",
            subnet.tenant, subnet.virtual_subnet
        )
    });
    print_lines(out, subnets)?;
    writeln!(out, "  underlay MTU {} bytes", skeleton.mtu_bytes)?;
    if !skeleton.notes.is_empty() {
        writeln!(out, "\nTo look at")?;
        print_lines(out, skeleton.notes.iter().map(ToString::to_string))?;
    }
    writeln!(out, "\nWritten, every guess a comment")?;
    print_lines(
        out,
        files
            .iter()
            .map(|(name, _)| folder.join(name).display().to_string()),
    )?;
    if args.read == Path::new("-") {
        return Ok(());
    }
    let scenario = folder.join(Skeleton::SCENARIO_FILE);
    writeln!(out, "\nNext")?;
    writeln!(
        out,
        "  nvgre replay {} -r {}",
        shell_word(&scenario.to_string_lossy()),
        shell_word(&args.read.to_string_lossy())
    )
}

/// Indented lines, as many as people read.
pub(crate) fn print_lines(
    out: &mut Output,
    mut lines: impl Iterator<Item = String>,
) -> io::Result<()> {
    for line in lines.by_ref().take(LINES_PRINTED) {
        writeln!(out, "  {line}")?;
    }
    match lines.count() {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more"),
    }
}

fn joined(items: &[impl ToString], none: &str) -> String {
    let items: Vec<_> = items.iter().map(ToString::to_string).collect();
    if items.is_empty() {
        none.to_owned()
    } else {
        items.join(", ")
    }
}

/// The word as a shell takes it: in quotes where it needs them.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+:=@%,\\".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
