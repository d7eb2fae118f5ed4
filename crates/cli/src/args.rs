//! The command line.

use std::ffi::OsStr;
use std::path::PathBuf;

use clap::builder::{PossibleValue, TypedValueParser};
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command, CommandFactory, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell;
use nvgre_dataplane::DropReason;

use crate::bench::BenchArgs;
use crate::diff::DiffArgs;
use crate::doctor::DoctorArgs;
use crate::exit::Exit;
use crate::export::ExportArgs;
use crate::import::ImportArgs;
use crate::init::InitArgs;
use crate::invocation::Invocation;
use crate::near_name;
use crate::next_hop::NextHopArgs;
use crate::ping::PingArgs;
use crate::replay::ReplayArgs;
use crate::report::target::ReportTarget;
use crate::show::ShowArgs;
use crate::trace::TraceArgs;
use crate::verify::VerifyArgs;

/// Answers questions about NVGRE virtual networks.
#[derive(Debug, Parser)]
#[command(name = "nvgre", version, propagate_version = true, after_help = Exit::table())]
pub(crate) struct Args {
    /// Print JSON lines for tools; each names its schema, nvgre.VERB/1.
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// Write a report of the run, however it ends: junit=FILE, sarif=FILE, md=FILE, github.
    ///
    /// junit: XML, a test case for each check. sarif: SARIF 2.1.0, a result for each finding. md:
    /// Markdown, a table and the findings. github: annotations, which GitHub Actions reads from
    /// stderr. May be given again.
    #[arg(long, global = true, value_name = "FORMAT=FILE")]
    pub(crate) report: Vec<ReportTarget>,

    #[command(subcommand)]
    pub(crate) verb: Verb,
}

impl Args {
    /// Reads the command line. A request for help, and a command line that is wrong, are errors.
    pub(crate) fn read() -> Result<(Self, Invocation), clap::Error> {
        let matches = Self::command().try_get_matches()?;
        let args = Self::from_arg_matches(&matches)?;
        Ok((args, Invocation::of(&matches)))
    }
}

/// What to do; a file of its own each.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Play the stages of a scenario: guests boot and ping while the policy changes.
    ///
    /// Without a scenario the founding story, which is built in, and then traffic of its tenants that
    /// was recorded from real hosts. Exit code 1 when a stage did not end as told; 4 when no stage
    /// has probes.
    Demo {
        /// The scenario: a TOML file, its policy files beside it.
        #[arg(value_name = "SCENARIO")]
        scenario: Option<PathBuf>,
    },
    /// Replay captures through the modeled hosts of a scenario.
    ///
    /// Tells what became of the frames: one outcome each, one end for every copy, drops by reason
    /// with the first frame of each, what tenants and ports sent and received, and whether any frame
    /// reached another tenant. Exit code 1 when one did, or a drop that --fail-on names; 4 when no
    /// frame entered the network, or isolation stays undecided.
    Replay(ReplayArgs),
    /// Follow a question of one guest to another, and its answer, through every host.
    ///
    /// Address resolution, request, the other's address resolution, reply: each step with the host,
    /// what its tables were asked, what matched, and the file and line that wrote it. Where a table
    /// caused a drop, what nearly matched. The last line is the verdict. Exit code 1 when there was
    /// no answer, or a frame reached another tenant; 4 when a captured frame never enters.
    Trace(TraceArgs),
    /// Ping one guest from another, in the lines of ping; on loss, why.
    ///
    /// Each echo is a conversation as trace has it. Times are virtual: the underlay's latency and a
    /// microsecond for a switch. Packets are lost as the scenario's loss_per_million says. Exit code
    /// 1 when a request got no reply, or a frame reached another tenant.
    Ping(PingArgs),
    /// Show the next hop of an address from a subnet, as Select-NetVirtualizationNextHop would.
    ///
    /// The tables of one host are asked as forwarding asks them: the record of the address, else
    /// the customer route and the record of its next hop. The MACs are those of the frame as it
    /// leaves the host. Below stands which rows said so. Exit code 1 when there is no way.
    NextHop(NextHopArgs),
    /// Show the tables of a scenario's hosts, as Get-NetVirtualization* would.
    ///
    /// Behind every row stands the command that made it: file, line and column. Tables are as wide
    /// as they need to be, about 200 columns. Commands of the policy that only display something are
    /// named on stderr.
    Show(ShowArgs),
    /// Prove that tenants stay apart and reach themselves, or show what stands against it.
    ///
    /// Isolation is decided over all frames, not samples: by the tables of all hosts, and where those
    /// leave a doubt by a frame of every class that tables can tell apart. Each check ends PROVED,
    /// VIOLATED or UNDECIDED. Exit code 1 when one is violated, 4 when none is and one is undecided.
    Verify(VerifyArgs),
    /// Write what hosts hold: as commands to run on them, or as the dumps that Get- cmdlets give.
    ///
    /// For all hosts, each as the scenario leaves it. With --for-host what that host should hold when
    /// something was changed on others: its own provider side and ports, and every lookup record and
    /// customer route as it was written last, on whatever host; what was removed last is removed.
    /// Rows that hosts hold differently without one being later are named on stderr, and the host
    /// keeps its own.
    ///
    /// The commands can be run on a bare host and again on one that holds the rows already: each row
    /// is removed, if it is there, and made again. Rows that they do not name stay.
    Export(ExportArgs),
    /// Compare the dumps of several hosts: what they disagree about, and the commands that mend it.
    ///
    /// DIR holds a sub-folder or a file for each host, named like it: what
    /// Get-NetVirtualizationLookupRecord, -CustomerRoute, -ProviderAddress, -ProviderRoute and
    /// Get-VMNetworkAdapter show, through ConvertTo-Json, Export-Csv or Format-List. Get-NetAdapter,
    /// Get-NetAdapterBinding and Get-VMSwitch help. The worst comes first, with every side's file and
    /// line. Exit code 1 when there are errors or warnings, notes are none; 4 when there are none and
    /// fewer than two hosts.
    Doctor(DoctorArgs),
    /// Say what is different between two scenarios, or two stages of one.
    ///
    /// Rows are matched by what tells them apart, not by where they are written; the same change on
    /// several hosts is told once. Exit code 1 when anything is different.
    Diff(DiffArgs),
    /// Write a scenario from scripts, or from dumps of what hosts hold.
    ///
    /// Dumps are what Get-NetVirtualizationLookupRecord, -CustomerRoute, -ProviderAddress, -ProviderRoute,
    /// -Global, Get-VMNetworkAdapter, Get-VMSwitch, Get-NetAdapter and Get-NetAdapterBinding show, as
    /// ConvertTo-Json, Export-Csv or Format-List write it. Of a folder, each sub-folder holds the
    /// dumps of the host of its name, and each file beside them is named after its host, unless its
    /// objects have a PSComputerName. From scripts alone, hosts, NICs and VMs are made up as the
    /// scripts name them, and the scripts become the policy as they are.
    ///
    /// What was not read, assumed or guessed is said, and stands in the scenario as a comment.
    Import(ImportArgs),
    /// Write a scenario guessed from a capture: hosts, subnets, guests, their policy.
    Init(InitArgs),
    /// Measure this build on this machine, beside loops written by hand for the same frames.
    ///
    /// Frames: encap, decap, nat, local, routed, drop, mixed. Policy: load (a policy, from typed
    /// objects or from a script, to published tables), edit (one record, to tables that every
    /// worker sees). In JSON lines, what a case has not is null: edits have no ns_per_frame.
    ///
    /// Machines differ and are busy: what can be compared are ratios to those loops, which take turns
    /// with the cases. benches/README.md says what the cases are. Exit code 5 when a ratio is worse
    /// than its baseline by more than the margin; 4 when nothing could be compared.
    Bench(BenchArgs),
    /// Explain drop reasons: what happened, usual cause, usual fix, source.
    Codes {
        /// Only this reason, or anything else that is named so: why a frame was skipped, what ended a
        /// conversation, a rule of doctor or verify, a check of policy (V-05).
        #[arg(value_parser = OneOf(crate::codes::names()), hide_possible_values = true)]
        name: Option<String>,
    },
    /// Look into capture files: pcap or pcapng, nothing else needed.
    Pcap {
        #[command(subcommand)]
        verb: PcapVerb,
    },
    /// Print what a shell completes, a script for it. --json changes nothing.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Write manual pages, one for the command and one for each verb; without a folder print the
    /// command's. --json changes nothing.
    Man {
        /// The folder for them.
        #[arg(value_name = "DIR")]
        folder: Option<PathBuf>,
    },
    /// Write the JSON Schemas of what --json prints, a file for each verb.
    #[command(hide = true)]
    Schemas {
        /// The folder for them.
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

/// The verbs that need a capture only.
#[derive(Debug, Subcommand)]
pub(crate) enum PcapVerb {
    /// Say what capture files hold: format, packets, link types, NVGRE frames per VSID.
    ///
    /// A frame counts as NVGRE when its outermost IP header, behind any stack of VLAN tags and IPv6
    /// extension headers, carries GRE with protocol 0x6558 and a whole key. Other GRE counts apart.
    /// Frames of ethernet, linux-sll, linux-sll2 and raw-ip are looked into; of other link types
    /// they are counted only. A file that cannot be read to its end gives what was whole, and the
    /// exit code 3.
    Info {
        /// Capture files; - is stdin.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Decapsulate every frame, as if every host and VSID were known, and say the verdict.
    ///
    /// One line a frame. VSID and FlowID are told wherever the key can be read, whatever the
    /// verdict; `nvgre codes REASON` explains a drop. Exit code 4 when no frame holds a GRE header.
    Decap {
        /// Capture file; - is stdin.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
}

/// Reads a drop reason by name; a wrong one is refused with the nearest right one.
pub(crate) fn drop_reason() -> impl TypedValueParser<Value = DropReason> {
    let names = DropReason::ALL.iter().map(|reason| reason.name());
    OneOf(names.collect()).map(|name| {
        DropReason::from_name(&name).expect("the names offered are the names of reasons")
    })
}

/// Reads one of many names. A wrong one is refused with those that come near, without the others.
#[derive(Clone)]
struct OneOf(Vec<&'static str>);

impl TypedValueParser for OneOf {
    type Value = String;

    fn parse_ref(
        &self,
        command: &Command,
        argument: Option<&Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        let value = value.to_string_lossy();
        let mut names = self.0.iter();
        if let Some(name) = names.find(|name| name.eq_ignore_ascii_case(&value)) {
            return Ok((*name).to_owned());
        }
        let argument = argument.map_or_else(|| "NAME".to_owned(), ToString::to_string);
        let near = near_name::near(&value, self.0.iter().copied());
        let near: Vec<_> = near.into_iter().map(str::to_owned).collect();
        let mut error = clap::Error::new(ErrorKind::InvalidValue).with_cmd(command);
        error.insert(ContextKind::InvalidArg, ContextValue::String(argument));
        let value = ContextValue::String(value.into_owned());
        error.insert(ContextKind::InvalidValue, value);
        if !near.is_empty() {
            error.insert(ContextKind::SuggestedValue, ContextValue::Strings(near));
        }
        Err(error)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(self.0.iter().map(PossibleValue::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Args, CommandFactory};

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
