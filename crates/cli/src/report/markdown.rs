//! Markdown: a table of the checks, and what was found, the worst first. For summaries of CI jobs and
//! for comments.

use std::env;
use std::fmt::Write as _;

use nvgre_analyze::{Check, CheckOutcome, Finding, Severity};
use nvgre_netwnv::Place;

use crate::printable::printable;
use crate::report::place::percent_encoded;
use crate::report::{PLACES_MAX, Run};

/// Rows of the table.
const CHECKS_MAX: usize = 200;
/// Findings that are told whole.
const FINDINGS_MAX: usize = 100;
/// Bytes of the text, less those of its last sentence. The summary of a GitHub job may have 1 MiB
/// of all its steps.
const BYTES_MAX: usize = 900 * 1024;
/// Bytes of one text from outside.
const TEXT_MAX: usize = 16 * 1024;

/// The whole text.
pub(crate) fn text(run: &Run) -> String {
    let mut text = format!("## nvgre {}\n\n{}\n\n", run.verb, upper_first(&run.ended()));
    checks(run, &mut text);
    findings(run, &mut text);
    text
}

/// Those that do not hold first.
fn checks(run: &Run, text: &mut String) {
    let mut checks: Vec<&Check> = run.all().collect();
    checks.sort_by_key(|check| match check.outcome {
        CheckOutcome::Fails => 0,
        CheckOutcome::Undecided => 1,
        CheckOutcome::Holds => 2,
    });
    text.push_str("| check | answer | in words | findings |\n| --- | --- | --- | --- |\n");
    let rows = checks.iter().take(CHECKS_MAX).map(|check| {
        let answer = match check.outcome {
            CheckOutcome::Fails => "**no**",
            CheckOutcome::Undecided => "open",
            CheckOutcome::Holds => "yes",
        };
        let (id, title) = (escaped(&check.id), escaped(&check.title));
        let found = check.findings.len();
        format!("| {id} | {answer} | {title} | {found} |\n")
    });
    let told = push_while_short(rows, text);
    if let Some(left_out @ 1..) = checks.len().checked_sub(told) {
        let _infallible = writeln!(text, "\n{left_out} more checks are not in this table.");
    }
}

fn findings(run: &Run, text: &mut String) {
    let mut findings: Vec<&Finding> = run.all().flat_map(|check| &check.findings).collect();
    if findings.is_empty() {
        return;
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    text.push_str("\n### Findings, the worst first\n\n");
    let links = Links::from_environment();
    let told = findings.iter().take(FINDINGS_MAX);
    let told = push_while_short(told.map(|finding| told_whole(run, &links, finding)), text);
    if let Some(left_out @ 1..) = findings.len().checked_sub(told) {
        let _infallible = writeln!(text, "{left_out} more findings are left out here.");
    }
}

/// Appends pieces as long as the text stays short enough; gives how many.
fn push_while_short(pieces: impl Iterator<Item = String>, text: &mut String) -> usize {
    let mut told = 0;
    for piece in pieces {
        if text.len() + piece.len() > BYTES_MAX {
            break;
        }
        text.push_str(&piece);
        told += 1;
    }
    told
}

fn told_whole(run: &Run, links: &Links, finding: &Finding) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    let (rule, message) = (finding.rule, escaped(&finding.message));
    let mut text = format!("- **{level}** `{rule}`: {message}");
    for (index, place) in finding.places.iter().take(PLACES_MAX).enumerate() {
        text.push_str(if index == 0 {
            "  \n  written at "
        } else {
            ", "
        });
        text.push_str(&links.to(run, place));
    }
    if let Some(left_out @ 1..) = finding.places.len().checked_sub(PLACES_MAX) {
        let _infallible = write!(text, " and {left_out} more places");
    }
    text.push('\n');
    if !finding.fix.is_empty() {
        let fix = shortened(&printable(&finding.fix.join("\n")));
        let fence = fence(&fix);
        let _infallible = writeln!(text, "\n  {fence}text");
        for line in fix.lines() {
            let _infallible = writeln!(text, "  {line}");
        }
        let _infallible = writeln!(text, "  {fence}");
    }
    text.push('\n');
    text
}

/// Backticks that end no earlier than the text.
fn fence(text: &str) -> String {
    let longest = text
        .split(|c| c != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    "`".repeat(longest.max(2) + 1)
}

/// How places are linked to.
struct Links {
    /// The files of the commit, where the environment names it as GitHub Actions does; else links
    /// are relative.
    base: Option<String>,
}

impl Links {
    fn from_environment() -> Self {
        let named = |name| env::var(name).ok().filter(|value| !value.is_empty());
        let parts = || {
            Some([
                named("GITHUB_SERVER_URL")?,
                named("GITHUB_REPOSITORY")?,
                named("GITHUB_SHA")?,
            ])
        };
        Self {
            base: parts()
                .map(|[server, repository, sha]| format!("{server}/{repository}/blob/{sha}/")),
        }
    }

    fn to(&self, run: &Run, place: &Place) -> String {
        let name = run.names.of(&place.file);
        let label = escaped(&format!("{name}:{}", place.line));
        let base = self.base.as_deref().unwrap_or_default();
        let path = percent_encoded(&name);
        format!("[{label}]({base}{path}#L{})", place.line)
    }
}

/// Text from outside as text: nothing in it is markup, and it stays in its line.
fn escaped(text: &str) -> String {
    let text = shortened(text).replace('\r', "");
    let text = printable(&text);
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.trim_end().chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '\n' => escaped.push_str("<br>"),
            '\\' | '`' | '*' | '_' | '~' | '|' | '[' | ']' | '#' | '!' | '$' => {
                escaped.push('\\');
                escaped.push(c);
            }
            // A name in a message is nobody to be called.
            '@' => escaped.push_str("@<!-- -->"),
            c => escaped.push(c),
        }
    }
    escaped
}

fn shortened(text: &str) -> String {
    if text.len() <= TEXT_MAX {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(TEXT_MAX);
    format!("{}... ({} bytes in all)", &text[..end], text.len())
}

fn upper_first(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    format!("{}{}.", first.unwrap_or_default(), chars.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{finding, run_with};

    #[test]
    fn text_from_outside_is_no_markup() {
        let message = "a|b `c` <script>x</script> [l](u) *s* _u_ @owner\r\nsecond & last";
        let mut odd = finding(Severity::Error, message, "a (b)|`c`.ps1");
        odd.fix.push("Write-Host ```\n<b>".to_owned());
        let text = text(&run_with(vec![odd]));
        let told = "a\\|b \\`c\\` &lt;script&gt;x&lt;/script&gt; \\[l\\](u) \\*s\\* \\_u\\_ \
                    @<!-- -->owner<br>second &amp; last";
        assert!(text.contains(told), "{text}");
        let link = "[a (b)\\|\\`c\\`.ps1:7](a%20%28b%29%7C%60c%60.ps1#L7)";
        assert!(text.contains(link), "{text}");
        let fix = "  ````text\n  Write-Host ```\n  <b>\n  ````\n";
        assert!(text.contains(fix), "{text}");
    }

    #[test]
    fn the_worst_comes_first_and_what_is_left_out_is_counted() {
        let notes = (0..150).map(|n| finding(Severity::Note, &format!("note {n}"), "a.ps1"));
        let worst = finding(Severity::Error, "the worst", "a.ps1");
        let text = text(&run_with(notes.chain([worst]).collect()));
        let first = text.lines().find(|line| line.starts_with("- **"));
        assert_eq!(first, Some("- **error** `no_port`: the worst  "));
        assert!(text.contains(": note 98  \n"));
        assert!(!text.contains(": note 99  \n"));
        assert!(
            text.ends_with("51 more findings are left out here.\n"),
            "{text}"
        );
    }

    #[test]
    fn however_much_was_found_the_text_fits_the_summary_of_a_job() {
        let long = "|".repeat(2 * TEXT_MAX);
        let findings = (0..100).map(|_| finding(Severity::Error, &long, "a.ps1"));
        let mut run = run_with(findings.collect());
        run.checks.extend((0..300).map(|n| Check {
            id: n.to_string(),
            title: format!("check {n} {long}"),
            outcome: CheckOutcome::Holds,
            findings: Vec::new(),
        }));
        let text = text(&run);
        assert!(text.len() < 1 << 20, "{} bytes", text.len());
        assert!(text.contains(" more checks are not in this table.\n"));
        assert!(text.ends_with(" more findings are left out here.\n"));
    }
}
