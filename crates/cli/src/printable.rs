//! Text from outside that is shown to people: names may hold what a terminal obeys.

use std::borrow::Cow;
use std::fmt::Write as _;

/// With control characters, and those that turn the direction of text, written as JSON escapes
/// (`\u001b`), which JSON stays JSON with; line ends and tabs stay.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_obeyed) {
        return text.into();
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_obeyed(c) {
            let _infallible = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown.into()
}

fn is_obeyed(c: char) -> bool {
    (c.is_control() && !matches!(c, '\n' | '\t'))
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_a_terminal_obeys_is_shown_and_everything_else_stays() {
        let text = "a\u{1b}[31mb\u{9b}2J\r\u{7}\u{7f}\u{202e}";
        assert_eq!(
            printable(text),
            r"a\u001b[31mb\u009b2J\u000d\u0007\u007f\u202e"
        );
        for text in ["Grün, 日本\tx\n", ""] {
            assert_eq!(printable(text), text);
        }
    }
}
