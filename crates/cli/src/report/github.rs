//! Annotations: workflow commands, which GitHub Actions reads from what a step prints.

use std::fmt::Write as _;

use nvgre_analyze::{Finding, Severity};

use crate::printable::printable;
use crate::report::{PLACES_MAX, Run};

/// Annotations of a level that GitHub shows of one step; it drops further ones.
const SHOWN_MAX: usize = 10;

/// A line for each finding that is shown, the levels from the worst; the last of a level says how
/// many were left out.
pub(crate) fn text(run: &Run) -> String {
    let mut text = String::new();
    for severity in [Severity::Error, Severity::Warning, Severity::Note] {
        let findings: Vec<&Finding> = run
            .all()
            .flat_map(|check| &check.findings)
            .filter(|finding| finding.severity == severity)
            .collect();
        let left_out = findings.len().saturating_sub(SHOWN_MAX);
        for (index, finding) in findings.iter().take(SHOWN_MAX).enumerate() {
            let mut message = message(run, finding);
            if left_out > 0 && index + 1 == SHOWN_MAX {
                let _infallible = write!(message, "\nand {left_out} more of this level");
            }
            let _infallible = writeln!(
                text,
                "::{}{}::{}",
                command(severity),
                properties(run, finding),
                escaped(&message, DATA)
            );
        }
    }
    text
}

fn command(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    }
}

fn properties(run: &Run, finding: &Finding) -> String {
    let mut properties = String::from(" ");
    if let Some(place) = finding.places.first() {
        let file = run.names.of(&place.file);
        let _infallible = write!(
            properties,
            "file={},line={},col={},",
            escaped(&file, PROPERTY),
            place.line,
            place.column
        );
    }
    let title = format!("nvgre {}: {}", run.verb, finding.rule);
    properties.push_str("title=");
    properties.push_str(&escaped(&title, PROPERTY));
    properties
}

/// The sentence, where else it is written, and what mends it, a line each.
fn message(run: &Run, finding: &Finding) -> String {
    let mut message = finding.message.clone();
    for place in finding.places.iter().take(PLACES_MAX).skip(1) {
        let file = run.names.of(&place.file);
        let _infallible = write!(message, "\nsee {file}:{}:{}", place.line, place.column);
    }
    if let Some(left_out @ 1..) = finding.places.len().checked_sub(PLACES_MAX) {
        let _infallible = write!(message, "\nand {left_out} more places");
    }
    for fix in &finding.fix {
        let _infallible = write!(message, "\nfix: {fix}");
    }
    message
}

/// What has a meaning in the text of a command.
const DATA: &[char] = &['%', '\r', '\n'];
/// What has one in its properties.
const PROPERTY: &[char] = &['%', '\r', '\n', ':', ','];

fn escaped(text: &str, special: &[char]) -> String {
    // Carriage returns have their own escape here.
    let lines: Vec<_> = text.split('\r').map(printable).collect();
    let text = lines.join("\r");
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if special.contains(&c) {
            let _infallible = write!(escaped, "%{:02X}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{finding, run_with};

    #[test]
    fn a_command_ends_only_where_it_should() {
        let mut odd = finding(Severity::Error, "50 % of\r\n::error::it, all", "a,b:c%.ps1");
        odd.fix.push("one\ntwo".to_owned());
        assert_eq!(
            text(&run_with(vec![odd])),
            "::error file=a%2Cb%3Ac%25.ps1,line=7,col=3,title=nvgre verify%3A no_port::\
             50 %25 of%0D%0A::error::it, all%0Afix: one%0Atwo\n"
        );
    }

    #[test]
    fn of_many_places_ten_are_told() {
        let mut wide = finding(Severity::Error, "everywhere", "a.ps1");
        wide.places = vec![wide.places[0].clone(); 13];
        let text = text(&run_with(vec![wide]));
        assert_eq!(text.matches("%0Asee a.ps1:7:3").count(), 9);
        assert!(text.ends_with("%0Aand 3 more places\n"), "{text}");
    }

    #[test]
    fn ten_of_a_level_are_shown_and_the_last_says_how_many_more_there_are() {
        let of_level = |severity, n: usize| {
            (0..n).map(move |n| finding(severity, &format!("finding {n}"), "a.ps1"))
        };
        let findings = of_level(Severity::Warning, 10)
            .chain(of_level(Severity::Error, 13))
            .chain(of_level(Severity::Note, 1));
        let text = text(&run_with(findings.collect()));
        let lines: Vec<&str> = text.lines().collect();
        let starting = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(starting("::error "), 10);
        assert_eq!(starting("::warning "), 10);
        assert_eq!(starting("::notice "), 1);
        assert!(lines[9].ends_with("::finding 9%0Aand 3 more of this level"));
        assert!(lines[19].ends_with("::finding 9"), "{}", lines[19]);
    }
}
