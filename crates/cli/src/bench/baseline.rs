//! An earlier run, and whether this one is worse.

use std::fmt;
use std::io::Write;
use std::path::Path;

use nvgre_analyze::{Check, CheckOutcome, Finding, Severity};
use nvgre_netwnv::Place;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};

use crate::bench::row::{Row, SCHEMA};
use crate::exit::{Exit, Failure, invalid_input};
use crate::output::Output;
use crate::scenario_file::read_text;

/// Lines of an earlier run, those with a ratio to a hand loop.
#[derive(Debug)]
pub(crate) struct Baseline(Vec<Line>);

/// What counts of a line. More fields may come with time: they do not make old baselines invalid,
/// nor new ones for old programs.
#[derive(Debug, Deserialize)]
struct Line {
    #[serde(rename = "schema", deserialize_with = "schema")]
    _schema: (),
    id: String,
    records: u32,
    #[serde(deserialize_with = "ratio")]
    ratio_to_limit: Option<f64>,
}

impl Baseline {
    /// Reads a file of JSON lines. What is wrong is told with line and column.
    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        let name = file.display();
        let text = read_text(file).map_err(|error| Failure::input(format!("{name}: {error}")))?;
        let lines = text.lines().enumerate();
        let lines: Vec<Line> = lines
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                serde_json::from_str(line).map_err(|error| {
                    let (number, column) = (index + 1, error.column().max(1));
                    let told =
                        format!("{}; lines of `nvgre bench --json` are wanted", Told(&error));
                    let place = Place {
                        file: name.to_string().into(),
                        line: number as u32,
                        column: column as u32,
                    };
                    let finding = invalid_input(Some(&place), &told, None);
                    Failure::inputs(format!("{place}: {told}"), vec![finding])
                })
            })
            .collect::<Result<_, _>>()?;
        if lines.is_empty() {
            return Err(Failure::input(format!(
                "{name}:1:1: no line; `nvgre bench --json` prints them"
            )));
        }
        Ok(Self(lines))
    }

    /// Says on stderr what is worse by more than `margin` percent, with both figures, and in the end how
    /// many were compared: behind the text for people.
    pub(crate) fn compare(
        &self,
        rows: &[Row],
        margin: u32,
        chart: bool,
        out: &mut Output,
    ) -> Result<Exit, Failure> {
        let most = 1.0 + f64::from(margin) / 100.0;
        let (mut compared, mut worse) = (0, 0);
        for row in rows {
            let earlier = self
                .0
                .iter()
                .rfind(|line| line.id == row.id && line.records == row.records);
            let earlier = earlier.and_then(|line| line.ratio_to_limit);
            let (Some(earlier), Some(now)) = (earlier, row.ratio_to_limit) else {
                continue;
            };
            compared += 1;
            let is_worse = now > earlier * most;
            let told = format!(
                "{now:.2} times its limit, {earlier:.2} in the baseline: {:.0} % worse, {margin} % allowed",
                (now / earlier - 1.0) * 100.0,
            );
            out.check(check(&row.id, is_worse.then_some(&*told)));
            if is_worse {
                worse += 1;
                out.complain(format_args!("{}: {told}", row.id))?;
            }
        }
        if compared == 0 {
            out.complain(
                "no case of this run has a ratio to a loop written by hand in the baseline: nothing was \
                 compared",
            )?;
            return Ok(Exit::Nothing);
        }
        let sum = format!(
            "ratios compared with the baseline: {compared}; worse by more than {margin} %: {worse}"
        );
        // What programs read stays alone on stdout.
        if out.is_json() || chart {
            out.complain(sum)?;
        } else {
            writeln!(out, "\n{sum}")?;
        }
        Ok(if worse > 0 {
            Exit::Worse
        } else {
            Exit::Success
        })
    }
}

/// Whether a case is no worse than it was; `worse` says that it is.
fn check(id: &str, worse: Option<&str>) -> Check {
    let findings = worse.map(|told| Finding {
        rule: "worse_than_baseline",
        severity: Severity::Error,
        message: format!("{id}: {told}."),
        places: Vec::new(),
        fix: Vec::new(),
        identity: id.to_owned(),
    });
    Check {
        id: format!("bench/{id}"),
        title: format!("{id} is no worse than in the baseline"),
        outcome: match worse {
            None => CheckOutcome::Holds,
            Some(_) => CheckOutcome::Fails,
        },
        findings: findings.into_iter().collect(),
    }
}

/// An error without the place within its line, which is told in front.
struct Told<'e>(&'e serde_json::Error);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_string();
        f.write_str(
            text.rsplit_once(" at line ")
                .map_or(&text, |(told, _)| told),
        )
    }
}

fn schema<'de, D: Deserializer<'de>>(from: D) -> Result<(), D::Error> {
    let found = String::deserialize(from)?;
    if found == SCHEMA {
        Ok(())
    } else {
        let expected = format!("{SCHEMA:?}");
        Err(D::Error::invalid_value(
            Unexpected::Str(&found),
            &expected.as_str(),
        ))
    }
}

fn ratio<'de, D: Deserializer<'de>>(from: D) -> Result<Option<f64>, D::Error> {
    match Option::<f64>::deserialize(from)? {
        Some(ratio) if ratio <= 0.0 => Err(D::Error::invalid_value(
            Unexpected::Float(ratio),
            &"a ratio above 0",
        )),
        ratio => Ok(ratio),
    }
}
