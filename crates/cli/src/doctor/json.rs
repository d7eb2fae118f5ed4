//! What `nvgre doctor` says for tools: one JSON line, schema `nvgre.doctor/1`.
//!
//! ```text
//! {"schema":"nvgre.doctor/1","folder","files",
//!  "hosts":[{"name","lookup_records","customer_routes","provider_addresses","provider_routes","adapters"}],
//!  "disagreements":[{"rule","severity","message","identity",
//!    "sides":[{"hosts":[NAME],"says","places":["FILE:LINE:COLUMN"]}],
//!    "fix":{"choices":[[{"hosts":[NAME],"command"}]],"advice":null or TEXT}}],
//!  "notes":[{"host":null or NAME,"place","text"}],"errors","warnings"}
//! ```

use nvgre_analyze::{Disagreement, HostCommand, Remedy, Severity, Side};
use nvgre_netwnv::{DumpNote, Host};
use schemars::JsonSchema;
use serde::Serialize;

use crate::doctor::{Diagnosis, severity};

/// What was read, and what the hosts disagree about.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonDoctor<'a> {
    schema: &'static str,
    /// The folder of dumps.
    folder: &'a str,
    /// How many files were read.
    files: usize,
    /// The hosts, and how many objects of each kind were read.
    hosts: Vec<JsonHost<'a>>,
    /// The worst first.
    disagreements: Vec<JsonDisagreement<'a>>,
    /// What was not understood of the dumps, assumed, or said by Windows about an object.
    notes: Vec<JsonNote<'a>>,
    /// How many disagreements are errors.
    errors: usize,
    /// How many are warnings.
    warnings: usize,
}

/// A host, and how many objects of each kind were read.
#[derive(Serialize, JsonSchema)]
struct JsonHost<'a> {
    /// Its name.
    name: &'a str,
    /// Of Get-NetVirtualizationLookupRecord.
    lookup_records: usize,
    /// Of Get-NetVirtualizationCustomerRoute.
    customer_routes: usize,
    /// Of Get-NetVirtualizationProviderAddress.
    provider_addresses: usize,
    /// Of Get-NetVirtualizationProviderRoute.
    provider_routes: usize,
    /// Of Get-VMNetworkAdapter.
    adapters: usize,
}

/// Something that hosts disagree about.
#[derive(Serialize, JsonSchema)]
struct JsonDisagreement<'a> {
    /// What kind of disagreement it is.
    rule: &'static str,
    /// `error`, `warning` or `note`.
    severity: &'static str,
    /// One sentence.
    message: String,
    /// What makes it the same in another run.
    identity: String,
    /// Who says what; the first is where one would mend it.
    sides: Vec<JsonSide<'a>>,
    /// What would mend it.
    fix: JsonFix<'a>,
}

/// Hosts that say the same.
#[derive(Serialize, JsonSchema)]
struct JsonSide<'a> {
    /// Their names.
    hosts: &'a [String],
    /// What they say.
    says: &'a str,
    /// Where: file, line and column.
    places: Vec<String>,
}

/// Commands, or what only people know.
#[derive(Serialize, JsonSchema)]
struct JsonFix<'a> {
    /// Lists of commands of which any one mends it. Several: the tables do not show who is right.
    choices: Vec<Vec<JsonCommand<'a>>>,
    /// What to do where no commands can be given; null: there are some.
    advice: Option<&'a str>,
}

/// A command and where to run it.
#[derive(Serialize, JsonSchema)]
struct JsonCommand<'a> {
    /// On these hosts.
    hosts: &'a [String],
    /// PowerShell.
    command: &'a str,
}

/// Something to know about the dumps.
#[derive(Serialize, JsonSchema)]
struct JsonNote<'a> {
    /// The host, if it is about one.
    host: Option<&'a str>,
    /// File, line and column.
    place: String,
    /// What it is.
    text: &'a str,
}

impl<'a> JsonDoctor<'a> {
    pub(crate) fn of(diagnosis: &'a Diagnosis) -> Self {
        let dump = &diagnosis.dump;
        Self {
            schema: "nvgre.doctor/1",
            folder: &diagnosis.folder,
            files: diagnosis.files,
            hosts: dump.estate.hosts.iter().map(JsonHost::of).collect(),
            disagreements: diagnosis.found.iter().map(JsonDisagreement::of).collect(),
            notes: dump.notes.iter().map(JsonNote::of).collect(),
            errors: diagnosis.count(Severity::Error),
            warnings: diagnosis.count(Severity::Warning),
        }
    }
}

impl<'a> JsonHost<'a> {
    fn of(host: &'a Host) -> Self {
        Self {
            name: &host.name,
            lookup_records: host.records.len(),
            customer_routes: host.customer_routes.len(),
            provider_addresses: host.provider_addresses.len(),
            provider_routes: host.provider_routes.len(),
            adapters: host.adapters.len(),
        }
    }
}

impl<'a> JsonDisagreement<'a> {
    fn of(one: &'a Disagreement) -> Self {
        Self {
            rule: one.what.name(),
            severity: severity(one.severity),
            message: one.what.to_string(),
            identity: one.identity(),
            sides: one.sides.iter().map(JsonSide::of).collect(),
            fix: JsonFix::of(&one.remedy),
        }
    }
}

impl<'a> JsonSide<'a> {
    fn of(side: &'a Side) -> Self {
        Self {
            hosts: &side.hosts,
            says: &side.says,
            places: side.places.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'a> JsonFix<'a> {
    fn of(remedy: &'a Remedy) -> Self {
        let commands = |commands: &'a Vec<HostCommand>| -> Vec<_> {
            let commands = commands.iter();
            let command = |one: &'a HostCommand| JsonCommand {
                hosts: &one.hosts,
                command: &one.command,
            };
            commands.map(command).collect()
        };
        match remedy {
            Remedy::Commands(list) => Self {
                choices: vec![commands(list)],
                advice: None,
            },
            Remedy::Either(choices) => Self {
                choices: choices.iter().map(commands).collect(),
                advice: None,
            },
            Remedy::Words(words) => Self {
                choices: Vec::new(),
                advice: Some(words),
            },
        }
    }
}

impl<'a> JsonNote<'a> {
    fn of(note: &'a DumpNote) -> Self {
        Self {
            host: note.host.as_deref(),
            place: note.place.to_string(),
            text: &note.text,
        }
    }
}
