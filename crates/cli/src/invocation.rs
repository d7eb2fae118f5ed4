//! What reports want to know of a command line, whatever its verb; also of one that is wrong.

use std::env;
use std::path::PathBuf;

use clap::{ArgMatches, CommandFactory};

use crate::args::Args;
use crate::exit::{Exit, wrong};
use crate::output::Output;
use crate::report;
use crate::report::target::ReportTarget;

/// A command line.
#[derive(Debug)]
pub(crate) struct Invocation {
    /// The words behind `nvgre`: "pcap info".
    pub(crate) verb: String,
    /// Every file and folder that is named, the scenario first.
    pub(crate) files: Vec<PathBuf>,
}

impl Invocation {
    pub(crate) fn of(matches: &ArgMatches) -> Self {
        let (mut verbs, mut innermost) = (Vec::new(), matches);
        while let Some((verb, below)) = innermost.subcommand() {
            verbs.push(verb);
            innermost = below;
        }
        let mut ids: Vec<_> = innermost.ids().map(|id| id.as_str()).collect();
        ids.sort_by_key(|id| *id != "scenario");
        let named = ids.into_iter().filter_map(|id| {
            // Values of other types are no files.
            let values = innermost.try_get_many::<PathBuf>(id);
            values.ok().flatten()
        });
        Self {
            verb: verbs.join(" "),
            files: named.flatten().cloned().collect(),
        }
    }

    /// As far as it is understood: the verb, no files.
    fn of_words(words: &[String]) -> Self {
        let (mut verbs, mut command) = (Vec::new(), Args::command());
        for word in words {
            if let Some(verb) = command.find_subcommand(word) {
                verbs.push(word.as_str());
                command = verb.clone();
            }
        }
        Self {
            verb: verbs.join(" "),
            files: Vec::new(),
        }
    }
}

/// Prints help where that was asked for; else says what is wrong with the command line, also in the
/// reports that it names: an older one would stand for this run. As it is not known which files the
/// run would have read, reports replace nothing but reports.
pub(crate) fn refused(error: &clap::Error) -> Exit {
    // Nobody is left to tell when it cannot be printed.
    let _closed = error.print();
    if !error.use_stderr() {
        return Exit::Success;
    }
    let words: Vec<String> = env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut targets = reports_in(&words);
    targets.retain(ReportTarget::replaces_a_report);
    let mut out = Output::stdout(false, targets);
    let one_file = out.refuse_reports_to_one_file();
    let told = told(error);
    out.not_done(vec![wrong("wrong_usage", None, &told, None)]);
    if let Err(failure) = one_file {
        failure.report(&mut out);
    }
    report::write(&Invocation::of_words(&words), Exit::Usage, out)
}

/// What is wrong, in a line; without usage and advice, which follow behind an empty line.
fn told(error: &clap::Error) -> String {
    let text = error.to_string();
    let Some(text) = text.strip_prefix("error: ") else {
        return "no verb is given".to_owned();
    };
    let lines = text.lines().take_while(|line| !line.trim().is_empty());
    lines.map(str::trim).collect::<Vec<_>>().join(" ")
}

/// The reports that are asked for rightly.
fn reports_in(words: &[String]) -> Vec<ReportTarget> {
    let options = words.iter().take_while(|word| *word != "--").enumerate();
    let named = options.filter_map(|(index, word)| match word.as_str() {
        "--report" => words.get(index + 1).map(String::as_str),
        word => word.strip_prefix("--report="),
    });
    named.filter_map(|text| text.parse().ok()).collect()
}
