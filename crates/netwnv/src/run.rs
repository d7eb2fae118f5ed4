//! Runs a script against an estate.

use crate::error::ScriptError;
use crate::estate::Estate;
use crate::machine::{Context, Machine, Variables};
use crate::parser::parse;
use crate::report::RunReport;
use crate::source::{Lines, Source};

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
    let lines = Lines::new(source);
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
    let script = parse(source, &lines).map_err(|error| vec![error])?;
    let mut machine = Machine::new(&lines, estate.clone());
    let mut context = Context {
        host,
        variables: Variables::new(),
        current: None,
        caller: None,
    };
    let done = machine.block(&mut context, &script, &[], &(0..0));
    if done.is_err() {
        return Err(machine.errors);
    }
    *estate = machine.estate;
    Ok(machine.report)
}
