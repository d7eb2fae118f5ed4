//! JUnit XML: a test case for each check.

use std::fmt::Write as _;
use std::io;

use nvgre_analyze::{Check, CheckOutcome, Finding};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite, XmlString};

use crate::exit::Exit;
use crate::report::Run;

/// One suite, named after the verb. What fails is a failure; what could not be told is an error,
/// and skipped where the run accepts that.
pub(crate) fn text(run: &Run) -> io::Result<String> {
    let name = format!("nvgre {}", run.verb);
    let mut suite = TestSuite::new(name.as_str());
    suite.add_test_cases(run.all().map(|check| case(run, check)));
    let mut report = Report::new("nvgre");
    report.add_test_suite(suite);
    report.to_string().map_err(io::Error::other)
}

fn case(run: &Run, check: &Check) -> TestCase {
    let details = xml(&details(run, check));
    let is_run = std::ptr::eq(check, &run.done);
    let mut status = match check.outcome {
        CheckOutcome::Holds => TestCaseStatus::success(),
        CheckOutcome::Fails if is_run => TestCaseStatus::non_success(NonSuccessKind::Error),
        CheckOutcome::Fails => TestCaseStatus::non_success(NonSuccessKind::Failure),
        CheckOutcome::Undecided if run.exit == Exit::Success => TestCaseStatus::skipped(),
        CheckOutcome::Undecided => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    if let (true, Some(worst)) = (check.outcome != CheckOutcome::Holds, check.findings.first()) {
        let message = worst.message.lines().next().unwrap_or_default();
        status.set_message(xml(message)).set_type(worst.rule);
        status.set_description(details.as_str());
    }
    let mut case = TestCase::new(xml(&check.id), status);
    case.set_classname(format!("nvgre.{}", run.verb.replace(' ', "-")));
    if let Some(place) = check
        .findings
        .first()
        .and_then(|worst| worst.places.first())
    {
        let file = run.names.of(&place.file);
        let mut extra = |name: &str, value: &str| {
            let (name, value) = (XmlString::new(name), XmlString::new(xml(value)));
            case.extra.insert(name, value)
        };
        extra("file", &file);
        extra("line", &place.line.to_string());
    }
    // Tools that show what a test printed show it for those that pass, too.
    if check.outcome == CheckOutcome::Holds && !check.findings.is_empty() {
        case.set_system_out(details.as_str());
    }
    case
}

/// Without what XML 1.0 has no way to hold; a replacement character stands for each.
fn xml(text: &str) -> String {
    let holds = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    let held = text.chars().map(|c| if holds(c) { c } else { '\u{fffd}' });
    held.collect()
}

/// The question, and everything that was found.
fn details(run: &Run, check: &Check) -> String {
    let mut details = format!("{}\n", check.title);
    for finding in &check.findings {
        tell(run, finding, &mut details);
    }
    details
}

fn tell(run: &Run, finding: &Finding, details: &mut String) {
    let _infallible = writeln!(details, "\n{}: {}", finding.rule, finding.message);
    for place in &finding.places {
        let file = run.names.of(&place.file);
        let _infallible = writeln!(details, "  at {file}:{}:{}", place.line, place.column);
    }
    for fix in &finding.fix {
        let _infallible = writeln!(details, "  fix: {fix}");
    }
}

#[cfg(test)]
mod tests {
    use nvgre_analyze::Severity;

    use super::text;
    use crate::report::tests::{finding, run_with};

    #[test]
    fn what_xml_cannot_hold_is_replaced_wherever_it_stands() {
        let odd = "a\u{fffe}\u{ffff}\u{1b}[31m\u{0}\u{8}z <&>";
        let mut run = run_with(vec![finding(Severity::Error, odd, odd)]);
        for check in &mut run.checks {
            check.id = odd.to_owned();
            check.title = odd.to_owned();
        }
        let text = text(&run).expect("XML");
        let forbidden = |c: char| {
            (c < ' ' && !matches!(c, '\t' | '\n' | '\r')) || matches!(c, '\u{fffe}' | '\u{ffff}')
        };
        assert!(!text.contains(forbidden), "{text:?}");
        let replaced = "a\u{fffd}\u{fffd}\u{fffd}[31m\u{fffd}\u{fffd}z &lt;&amp;";
        assert!(text.contains(&format!("name=\"{replaced}")), "{text}");
        assert!(text.contains(&format!("file=\"{replaced}")), "{text}");
        assert!(text.contains(&format!("message=\"{replaced}")), "{text}");
    }
}
