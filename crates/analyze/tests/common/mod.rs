//! The cases in pcaps/, and small networks in text.

#![allow(dead_code)] // every test file uses a part of it

use std::fs;
use std::path::{Path, PathBuf};

use nvgre_analyze::{Conversation, Probe, converse};
use nvgre_sim::{Model, Scenario};

fn folder(case: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../pcaps")
        .join(case)
}

/// A case of pcaps/ as it is after this stage; `edit` changes scenario and scripts first.
pub(crate) fn edited(case: &str, stage: &str, edit: &dyn Fn(&str, String) -> String) -> Model {
    let text = fs::read_to_string(folder(case).join("scenario.toml")).expect("a scenario");
    let text = edit("scenario.toml", text);
    let scenario = Scenario::parse("scenario.toml", &text).expect("no mistakes");
    let mut stages = scenario.stages.iter();
    let last = stages.position(|s| s.name == stage).expect("a stage");
    let read =
        |file: &str| fs::read_to_string(folder(case).join(file)).map(|text| edit(file, text));
    let mut model = Model::new(scenario, &read).expect("policy");
    for stage in 0..=last {
        model.enter_stage(stage).expect("a stage");
    }
    model
}

pub(crate) fn case(case: &str, stage: &str) -> Model {
    edited(case, stage, &|_, text| text)
}

pub(crate) fn guest(model: &Model, name: &str) -> usize {
    let scenario = model.scenario();
    scenario
        .guest_of_port(name)
        .unwrap_or_else(|| panic!("no guest {name}"))
}

pub(crate) fn talk(model: &mut Model, from: &str, to: &str, probe: Probe) -> Conversation {
    let (from, to) = (guest(model, from), guest(model, to));
    converse(&mut model.trial(), from, to, probe)
}
