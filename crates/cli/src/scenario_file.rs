//! Scenarios from files, and the one that is built in.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nvgre_sim::{Model, ModelError, Scenario, ScenarioError};

use crate::exit::{Failure, invalid_input};
use crate::input::open_capture;
use crate::output::Output;
use crate::policy_notes;

macro_rules! story {
    ($file:literal) => {
        (
            concat!("pcaps/waldorf-statler/", $file),
            include_str!(concat!("../../../pcaps/waldorf-statler/", $file)),
        )
    };
}
/// The founding story's files, as the binary carries them, under their names in the repository.
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
    let file = STORY[0].0;
    let text = read(file).map_err(Failure::input)?;
    let mut scenario = Scenario::parse(file, &text).map_err(|errors| rendered(&errors, &text))?;
    name_policy_from_here(&mut scenario, folder_of(Path::new(file)));
    Ok(Model::new(scenario, &read)?)
}

/// Reads a scenario and enters its stages up to the one named, or all of them. Suspect policy is
/// told on stderr.
pub(crate) fn load(file: &Path, stage: Option<&str>, out: &mut Output) -> Result<Model, Failure> {
    load_watched(file, stage, out, |_| {})
}

/// [`load`]; where one tenant is to be told only what is its own, nothing is said of the policy, which
/// is everybody's, and of what is wrong with it only where.
pub(crate) fn load_for(
    redact: bool,
    file: &Path,
    stage: Option<&str>,
    out: &mut Output,
) -> Result<Model, Failure> {
    if !redact {
        return load(file, stage, out);
    }
    let text = scenario_text(file)?;
    let model = model_of(file, &text)
        .and_then(|model| entered(model, stage, out, |_| {}))
        .map_err(|failure| failure.redacted(file))?;
    Ok(model)
}

/// [`load`], with somebody who looks at the model before the first stage and after each.
pub(crate) fn load_watched(
    file: &Path,
    stage: Option<&str>,
    out: &mut Output,
    watch: impl FnMut(&Model),
) -> Result<Model, Failure> {
    let model = enter_stages(file, stage, out, watch)?;
    policy_notes::print(&model, out)?;
    Ok(model)
}

/// [`load`], saying nothing about the policy.
pub(crate) fn load_silently(
    file: &Path,
    stage: Option<&str>,
    out: &mut Output,
) -> Result<Model, Failure> {
    enter_stages(file, stage, out, |_| {})
}

fn enter_stages(
    file: &Path,
    stage: Option<&str>,
    out: &mut Output,
    watch: impl FnMut(&Model),
) -> Result<Model, Failure> {
    entered(read_scenario(file)?, stage, out, watch)
}

fn entered(
    mut model: Model,
    stage: Option<&str>,
    out: &mut Output,
    mut watch: impl FnMut(&Model),
) -> Result<Model, Failure> {
    out.refuse_reports_over(policy_files(model.scenario()))?;
    watch(&model);
    let last = match stage {
        None => model.scenario().stages.len(),
        Some(wanted) => stage_number(model.scenario(), wanted)?,
    };
    for index in 0..last {
        model.enter_stage(index)?;
        watch(&model);
    }
    Ok(model)
}

/// Reads a scenario and its policy files, which lie beside it. No stage is entered yet.
pub(crate) fn read_scenario(file: &Path) -> Result<Model, Failure> {
    model_of(file, &scenario_text(file)?)
}

fn scenario_text(file: &Path) -> Result<String, Failure> {
    let name = file.display();
    if file.is_file() && open_capture(file).is_ok() {
        return Err(Failure::input(format_args!(
            "{name}: a capture, where the scenario is wanted; replay takes captures behind -r"
        )));
    }
    read_text(file).map_err(|error| Failure::input(format!("{name}: {error}")))
}

fn model_of(file: &Path, text: &str) -> Result<Model, Failure> {
    let name = file.display().to_string();
    let mut scenario = Scenario::parse(&name, text).map_err(|errors| rendered(&errors, text))?;
    let folder = folder_of(file);
    name_policy_from_here(&mut scenario, folder);
    let read = |policy: &str| read_text(Path::new(policy));
    Model::new(scenario, &read).map_err(|error| match error {
        ModelError::File { file, error } => {
            let error = unreadable(&name, text, folder, &file, &error);
            rendered(&[error], text)
        }
        other => other.into(),
    })
}

/// The policy files of a scenario, as named from where the user stands.
pub(crate) fn policy_files(scenario: &Scenario) -> impl Iterator<Item = &Path> {
    let of_hosts = scenario.hosts.iter().flat_map(|host| &host.policy);
    let of_stages = scenario.stages.iter().flat_map(|stage| &stage.scripts);
    let files = of_hosts.chain(of_stages.map(|script| &script.file));
    files.map(Path::new)
}

/// Reads a text file. Editors on Windows like to save UTF-16, so that what is no UTF-8 gets advice.
pub(crate) fn read_text(file: &Path) -> io::Result<String> {
    fs::read_to_string(file).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData => {
            io::Error::other("it is not UTF-8 text; save it with the encoding UTF-8")
        }
        _ => error,
    })
}

/// The folder that a scenario's policy files are named from.
fn folder_of(scenario: &Path) -> &Path {
    scenario.parent().unwrap_or(Path::new(""))
}

/// Renames policy files from what they are called in the scenario to what they are called from
/// where the user stands, so that every place in a message can be opened.
fn name_policy_from_here(scenario: &mut Scenario, folder: &Path) {
    let of_hosts = scenario.hosts.iter_mut().flat_map(|host| &mut host.policy);
    let of_stages = scenario
        .stages
        .iter_mut()
        .flat_map(|stage| &mut stage.scripts)
        .map(|script| &mut script.file);
    for file in of_hosts.chain(of_stages) {
        *file = folder.join(&*file).display().to_string();
    }
}

/// A policy file that cannot be read, at the place where the scenario names it.
fn unreadable(
    scenario: &str,
    text: &str,
    folder: &Path,
    file: &str,
    error: &io::Error,
) -> ScenarioError {
    let path = PathBuf::from(file);
    let as_written = path.strip_prefix(folder).unwrap_or(&path).display();
    let span = ['"', '\'']
        .iter()
        .map(|quote| format!("{quote}{as_written}{quote}"))
        .find_map(|quoted| text.find(&quoted).map(|at| at..at + quoted.len()));
    ScenarioError::new(
        scenario,
        text,
        span.unwrap_or(0..0),
        format!("policy file {file} cannot be read: {error}"),
    )
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

/// Most errors told of a file: whoever wrote it mends these first.
const ERRORS_TOLD: usize = 20;

/// Every error with its line and a caret, as many as people read.
pub(crate) fn rendered(errors: &[ScenarioError], text: &str) -> Failure {
    let told = errors.iter().take(ERRORS_TOLD);
    let mut parts: Vec<_> = told.map(|error| error.render(text)).collect();
    if errors.len() > ERRORS_TOLD {
        parts.push(format!("and {} more errors", errors.len() - ERRORS_TOLD));
    }
    let findings = errors
        .iter()
        .map(|error| invalid_input(Some(&error.place), &error.message, error.help.as_deref()));
    Failure::inputs(parts.join("\n").trim_end(), findings.collect())
}
