//! `nvgre codes`: every drop reason, explained; by name, whatever else is named in what is printed.

use std::io::Write;

use nvgre_dataplane::DropReason;
use nvgre_sim::SkipReason;
use schemars::JsonSchema;
use serde::Serialize;

use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::report::rule::Rule;

/// A drop reason, explained; or another name that is printed.
#[derive(Serialize, JsonSchema)]
pub(crate) struct JsonLine {
    schema: &'static str,
    /// What every verb calls it.
    name: String,
    /// What happened.
    sentence: String,
    /// What it mostly comes from. Drop reasons have it.
    usual_cause: Option<&'static str>,
    /// What mostly mends it. Drop reasons have it.
    usual_fix: Option<String>,
    /// What the rule is taken from. Drop reasons have it.
    source: Option<&'static str>,
}

impl From<DropReason> for JsonLine {
    fn from(reason: DropReason) -> Self {
        Self {
            usual_cause: Some(reason.usual_cause()),
            usual_fix: Some(reason.usual_fix().to_owned()),
            source: Some(reason.source()),
            ..Self::of(reason.name(), reason.sentence().to_owned())
        }
    }
}

impl JsonLine {
    fn of(name: &str, sentence: String) -> Self {
        Self {
            schema: "nvgre.codes/1",
            name: name.to_owned(),
            sentence,
            usual_cause: None,
            usual_fix: None,
            source: None,
        }
    }

    /// Whatever has this name. None: nothing has.
    fn named(name: &str) -> Option<Self> {
        if let Some(reason) = DropReason::from_name(name) {
            return Some(reason.into());
        }
        let mut skips = SkipReason::ALL.iter();
        if let Some(reason) = skips.find(|reason| reason.name() == name) {
            return Some(Self::of(name, reason.sentence().to_owned()));
        }
        let rule = Rule::of_finding(name).or_else(|| Rule::of_check(name))?;
        Some(Self {
            usual_fix: Some(rule.help).filter(|help| !help.is_empty()),
            ..Self::of(name, rule.sentence)
        })
    }
}

/// Every name that is explained: drop reasons, skip reasons, rules, checks of policy.
pub(crate) fn names() -> Vec<&'static str> {
    let drops = DropReason::ALL.iter().map(|reason| reason.name());
    let skips = SkipReason::ALL.iter().map(|reason| reason.name());
    drops.chain(skips).chain(Rule::names()).collect()
}

/// Explains what has this name, or all drop reasons in the order of their numbers.
pub(crate) fn run(name: Option<&str>, out: &mut Output) -> Result<Exit, Failure> {
    let lines: Vec<_> = match name {
        Some(name) => JsonLine::named(name).into_iter().collect(),
        None => DropReason::ALL
            .iter()
            .map(|&reason| reason.into())
            .collect(),
    };
    for (index, line) in lines.iter().enumerate() {
        if out.is_json() {
            out.json_line(line)?;
            continue;
        }
        if index > 0 {
            writeln!(out)?;
        }
        writeln!(out, "{}\n  {}", line.name, line.sentence)?;
        let told = [
            ("usual cause", line.usual_cause),
            ("usual fix", line.usual_fix.as_deref()),
            ("source", line.source),
        ];
        for (what, text) in told {
            if let Some(text) = text {
                writeln!(out, "  {what:<11}  {text}")?;
            }
        }
    }
    Ok(Exit::Success)
}
