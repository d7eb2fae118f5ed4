//! Scenarios from files, and the one that is built in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nvgre_sim::{Model, Scenario, ScenarioError};

use crate::exit::Failure;
use crate::output::Output;

macro_rules! story {
    ($file:literal) => {
        (
            $file,
            include_str!(concat!("../../../pcaps/waldorf-statler/", $file)),
        )
    };
}
/// The founding story's files, as the binary carries them.
const STORY: &[(&str, &str)] = &[
    story!("scenario.toml"),
    story!("policy/1-no-vsid.ps1"),
    story!("policy/2-vsid.ps1"),
    story!("policy/3-moved.ps1"),
    story!("policy/4-wnv.ps1"),
    story!("policy/5-broken.ps1"),
    story!("policy/6-repaired.ps1"),
];

/// The story's scenario, with nothing read from outside.
pub(crate) fn built_in_story() -> Result<Model, Failure> {
    let read = |file: &str| {
        let found = STORY.iter().find(|(name, _)| *name == file);
        found
            .map(|(_, text)| (*text).to_owned())
            .ok_or(io::ErrorKind::NotFound.into())
    };
    let name = "scenario.toml";
    let text = read(name).map_err(Failure::input)?;
    let scenario = Scenario::parse(name, &text).map_err(|errors| rendered(&errors, &text))?;
    Model::new(scenario, &read).map_err(Failure::input)
}

/// Reads a scenario and its policy files, which lie beside it, and enters its stages up to the one
/// named, or all of them. Suspect policy is told on stderr.
pub(crate) fn load(file: &Path, stage: Option<&str>, out: &mut Output) -> Result<Model, Failure> {
    let name = file.display().to_string();
    let text =
        fs::read_to_string(file).map_err(|error| Failure::input(format!("{name}: {error}")))?;
    let scenario = Scenario::parse(&name, &text).map_err(|errors| rendered(&errors, &text))?;
    let last = match stage {
        None => scenario.stages.len(),
        Some(wanted) => stage_number(&scenario, wanted)?,
    };
    let folder = file.parent().map_or_else(PathBuf::new, Path::to_path_buf);
    let read = |policy: &str| fs::read_to_string(folder.join(policy));
    let mut model = Model::new(scenario, &read).map_err(Failure::input)?;
    for index in 0..last {
        model.enter_stage(index).map_err(Failure::input)?;
    }
    for warning in model.warnings() {
        match &warning.place {
            Some(place) => {
                out.complain(format_args!(
                    "warning: {place}: on {}: {}",
                    warning.host, warning.text
                ))?;
            }
            None => out.complain(format_args!(
                "warning: on {}: {}",
                warning.host, warning.text
            ))?,
        }
    }
    Ok(model)
}

/// How many stages to enter for the one with this name or number.
fn stage_number(scenario: &Scenario, wanted: &str) -> Result<usize, Failure> {
    let by_name = scenario
        .stages
        .iter()
        .position(|stage| stage.name.eq_ignore_ascii_case(wanted));
    let by_number = wanted
        .parse()
        .ok()
        .filter(|n| (1..=scenario.stages.len()).contains(n));
    by_name.map(|index| index + 1).or(by_number).ok_or_else(|| {
        let names: Vec<_> = scenario
            .stages
            .iter()
            .map(|stage| stage.name.as_str())
            .collect();
        Failure::usage(format!(
            "no stage '{wanted}'; there are: {}",
            names.join(", ")
        ))
    })
}

/// Every error with its line and a caret.
pub(crate) fn rendered(errors: &[ScenarioError], text: &str) -> Failure {
    let parts: Vec<_> = errors.iter().map(|error| error.render(text)).collect();
    Failure::input(parts.join("\n").trim_end())
}
