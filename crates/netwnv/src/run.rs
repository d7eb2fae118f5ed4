//! Runs a script against an estate.

use crate::error::ScriptError;
use crate::estate::Estate;
use crate::invent::Inventor;
use crate::lines::Lines;
use crate::machine::{Context, Failed, Machine};
use crate::parser::Parser;
use crate::report::RunReport;
use crate::source::Source;

/// Runs `source` on the host named `local_host`; blocks and commands for other hosts reach those.
///
/// All or nothing: with an error the estate is as it was. A script that cannot be read gives its
/// first error, one that cannot be done all of them, in the order in which it ran into them.
///
/// ```
/// use nvgre_netwnv::{Estate, Host, Source, run};
///
/// let mut estate = Estate { hosts: vec![Host::new("Statler")] };
/// let script = Source::new("external.ps1", "Set-NetVirtualizationGlobal -UseExternalRouter $true");
/// run(&script, "Statler", &mut estate).expect("this is policy");
/// assert!(estate.hosts[0].policy().use_external_router);
///
/// let typo = Source::new("external.ps1", "Set-NetVirtualizationGlobal -UseExternalRooter $true");
/// let errors = run(&typo, "Statler", &mut estate).unwrap_err();
/// assert_eq!(errors[0].help.as_deref(), Some("did you mean -UseExternalRouter?"));
/// ```
pub fn run(
    source: &Source,
    local_host: &str,
    estate: &mut Estate,
) -> Result<RunReport, Vec<ScriptError>> {
    run_with(source, local_host, estate, &mut None)
}

/// [`run`], with what a script names and the estate lacks made up. After an error the estate is of
/// no use.
pub(crate) fn run_inventing(
    source: &Source,
    local_host: &str,
    estate: &mut Estate,
    inventor: &mut Inventor,
) -> Result<RunReport, Vec<ScriptError>> {
    let mut lent = Some(std::mem::take(inventor));
    let report = run_with(source, local_host, estate, &mut lent);
    *inventor = lent.unwrap_or_default();
    report
}

fn run_with(
    source: &Source,
    local_host: &str,
    estate: &mut Estate,
    inventor: &mut Option<Inventor>,
) -> Result<RunReport, Vec<ScriptError>> {
    let lines = Lines::of(source);
    let found = estate
        .hosts
        .iter()
        .position(|host| host.name.eq_ignore_ascii_case(local_host));
    let Some(host) = found else {
        return Err(vec![ScriptError {
            place: lines.place(0),
            span: 0..0,
            message: format!("there is no host \"{local_host}\" to run this on"),
            help: None,
        }]);
    };
    let mut machine = Machine::new(&lines, std::mem::take(estate));
    machine.inventor = inventor.take();
    let done = run_all(&mut machine, source, &lines, host);
    if let Err(first) = done {
        let (before, errors) = machine.take_back();
        *estate = before;
        return Err(first.map_or(errors, |error| vec![*error]));
    }
    *inventor = machine.inventor;
    *estate = machine.estate;
    Ok(machine.report)
}

/// Reads and runs statement by statement, so that a long script is never in memory as a tree.
/// Fails with what cannot be read, however much was run before it, or with nothing if the machine
/// has the errors.
fn run_all<'s>(
    machine: &mut Machine<'s>,
    source: &'s Source,
    lines: &'s Lines<'s>,
    host: usize,
) -> Result<(), Option<Box<ScriptError>>> {
    let mut parser = Parser::new(source, lines);
    let mut context = Context::new(host);
    let parameters = parser.parameters()?;
    let started = machine.set_parameters(&mut context, &parameters, &[], &(0..0));
    let mut failed = started.is_err();
    while let Some(statement) = parser.next_statement(None)? {
        if started.is_ok() {
            let done = machine.statement(&mut context, &statement, false);
            failed |= matches!(done, Err(Failed));
        }
    }
    if failed { Err(None) } else { Ok(()) }
}
