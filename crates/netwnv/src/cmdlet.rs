//! Commands: their names, their parameters, and which one a script means.

use crate::call::Call;
use crate::kind::{Kind, UINT32};
use crate::machine::{Context, Machine, Outcome};

/// A command that has an effect or hands on objects.
pub(crate) struct Cmdlet {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    /// Without the common ones.
    pub(crate) parameters: &'static [Parameter],
    /// Whether it takes objects from the pipeline.
    pub(crate) takes_input: bool,
    /// Whether `-CimSession` or `-ComputerName` send it to another host.
    pub(crate) remote: bool,
    pub(crate) run: for<'s> fn(&mut Machine<'s>, &mut Context<'s>, &Call<'s>) -> Outcome<'s>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) aliases: &'static [&'static str],
    pub(crate) kind: Kind,
    pub(crate) required: bool,
    /// Whether it takes several values.
    pub(crate) many: bool,
    /// Whether it may be given without its name; lower ones come first.
    pub(crate) position: Option<u8>,
    /// Whether objects must have one of its values (Get-, Set-, Remove-).
    pub(crate) filter: bool,
}

impl Parameter {
    pub(crate) const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            aliases: &[],
            kind,
            required: false,
            many: false,
            position: None,
            filter: false,
        }
    }

    pub(crate) const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub(crate) const fn many(mut self) -> Self {
        self.many = true;
        self
    }

    pub(crate) const fn filter(mut self) -> Self {
        self.many = true;
        self.filter = true;
        self
    }

    pub(crate) const fn at(mut self, position: u8) -> Self {
        self.position = Some(position);
        self
    }

    pub(crate) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    /// The parameters of a Get- from those of its Remove-, which end with `-InputObject`.
    pub(crate) const fn without_input(parameters: &'static [Self]) -> &'static [Self] {
        match parameters {
            [filters @ .., _input_object] => filters,
            [] => &[],
        }
    }

    /// Its names, its own first.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }
}

/// Every command takes these.
static COMMON: &[Parameter] = &[
    Parameter::new("Confirm", Kind::Switch).aliases(&["cf"]),
    Parameter::new(
        "WhatIf",
        Kind::Refused("it would change nothing; leave the command out instead"),
    )
    .aliases(&["wi"]),
    Parameter::new("Verbose", Kind::Switch).aliases(&["vb"]),
    Parameter::new("Debug", Kind::Switch).aliases(&["db"]),
    Parameter::new("ErrorAction", Kind::Text).aliases(&["ea"]),
    Parameter::new("WarningAction", Kind::Text).aliases(&["wa"]),
];

/// Commands that can be sent to another host take these.
static REMOTE: &[Parameter] = &[
    Parameter::new("CimSession", Kind::Any)
        .many()
        .aliases(&["Session"]),
    Parameter::new("ComputerName", Kind::Any).many(),
    Parameter::new("ThrottleLimit", UINT32),
    Parameter::new("PassThru", Kind::Switch),
    Parameter::new(
        "AsJob",
        Kind::Refused("jobs are not modelled; leave it out"),
    ),
];

/// Commands that only show, wait or load, by name or alias. Those of the verbs Out and Format are
/// too.
const DISPLAY_ONLY: &[&str] = &[
    "Clear-Host",
    "Import-Module",
    "Pause",
    "Read-Host",
    "Start-Sleep",
    "Write-Debug",
    "Write-Host",
    "Write-Information",
    "Write-Output",
    "Write-Progress",
    "Write-Verbose",
    "Write-Warning",
    "clear",
    "cls",
    "echo",
    "fc",
    "fl",
    "ft",
    "fw",
    "ipconfig",
    "ipconfig.exe",
    "ipmo",
    "oh",
    "ogv",
    "ping",
    "ping.exe",
    "sleep",
    "vmconnect",
    "vmconnect.exe",
    "write",
];

/// What a command's name stands for.
pub(crate) enum Meaning {
    Cmdlet(&'static Cmdlet),
    DisplayOnly,
    /// Nothing known, and perhaps the advice what to write.
    Unknown(Option<String>),
}

fn all() -> impl Iterator<Item = &'static Cmdlet> {
    [
        crate::lookup_record::CMDLETS,
        crate::customer_route::CMDLETS,
        crate::provider::CMDLETS,
        crate::global::CMDLETS,
        crate::adapter::CMDLETS,
        crate::binding::CMDLETS,
        crate::session::CMDLETS,
        crate::select::CMDLETS,
    ]
    .into_iter()
    .flatten()
}

/// Looks a command up by name or alias, without case.
pub(crate) fn meaning(name: &str) -> Meaning {
    let is = |other: &&str| other.eq_ignore_ascii_case(name);
    if let Some(cmdlet) = all().find(|c| is(&c.name) || c.aliases.iter().any(is)) {
        return Meaning::Cmdlet(cmdlet);
    }
    let lower = name.to_ascii_lowercase();
    if lower.starts_with("out-") || lower.starts_with("format-") || DISPLAY_ONLY.iter().any(is) {
        return Meaning::DisplayOnly;
    }
    Meaning::Unknown(match lower.as_str() {
        "new-guid" => Some(
            "a new GUID would differ from run to run; write one as a text, \"{7f3c0c44-5d5e-4c0a-9a5e-000000445566}\""
                .to_owned(),
        ),
        "foreach-object" | "%" => {
            Some("pipe the objects straight into Set- or Remove-".to_owned())
        }
        "enter-pssession" | "etsn" => {
            Some("use Invoke-Command -ComputerName HOST { ... }".to_owned())
        }
        _ => did_you_mean(name, all().map(|c| c.name)),
    })
}

impl Cmdlet {
    /// All its parameters, the common ones included.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = &'static Parameter> {
        let remote = if self.remote { REMOTE } else { &[] };
        self.parameters.iter().chain(remote).chain(COMMON)
    }

    /// The parameter of this name, which may be shortened; else the message and the help.
    pub(crate) fn parameter(
        &self,
        written: &str,
    ) -> Result<&'static Parameter, (String, Option<String>)> {
        let is = |name: &'static str| {
            // Most are written as they are named, and that is compared at once.
            name.len() == written.len() && (name == written || name.eq_ignore_ascii_case(written))
        };
        let named = |p: &&'static Parameter| is(p.name) || p.aliases.iter().any(|alias| is(alias));
        if let Some(exact) = self.parameters().find(named) {
            return Ok(exact);
        }
        let length = written.len();
        let starts = |name: &'static str| {
            name.get(..length)
                .is_some_and(|start| start.eq_ignore_ascii_case(written))
        };
        let found: Vec<_> = self
            .parameters()
            .filter(|p| p.names().any(starts))
            .collect();
        match found[..] {
            [only] => Ok(only),
            [] => Err((
                format!("{} has no parameter -{written}", self.name),
                did_you_mean(written, self.parameters().map(|p| p.name))
                    .map(|help| help.replace("mean ", "mean -")),
            )),
            [..] => {
                let names: Vec<_> = found.iter().map(|p| format!("-{}", p.name)).collect();
                Err((
                    format!("-{written} is ambiguous"),
                    Some(format!("it may be {}", listed(&names, "or"))),
                ))
            }
        }
    }
}

/// "did you mean X?", if a name is near enough to what was written.
pub(crate) fn did_you_mean<'n>(
    written: &str,
    names: impl Iterator<Item = &'n str>,
) -> Option<String> {
    // Two numbers are never each other's slip, and no name is as long as a bad script can be.
    if !written.contains(char::is_alphabetic) || written.len() > 100 {
        return None;
    }
    let lower = written.to_lowercase();
    // A third of the letters may be wrong; long names are rarely typed with more than a few slips.
    let limit = (written.chars().count() / 3).clamp(1, 6);
    names
        .map(|name| {
            (
                strsim::damerau_levenshtein(&lower, &name.to_lowercase()),
                name,
            )
        })
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, name)| format!("did you mean {name}?"))
}

/// "a, b or c".
pub(crate) fn listed(names: &[impl AsRef<str>], last: &str) -> String {
    match names {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [first @ .., end] => {
            let first: Vec<_> = first.iter().map(AsRef::as_ref).collect();
            format!("{} {last} {}", first.join(", "), end.as_ref())
        }
    }
}
