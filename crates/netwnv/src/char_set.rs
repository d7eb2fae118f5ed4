//! Which characters are what.

/// A set of characters. Scripts are ASCII but for names, so that part of it is a table.
pub(crate) struct CharSet {
    /// By byte; false for those of other characters.
    ascii: [bool; 256],
    beyond: fn(char) -> bool,
}

macro_rules! char_set {
    ($c:ident in $is_in:expr) => {{
        const fn is_in($c: char) -> bool {
            $is_in
        }
        let mut ascii = [false; 256];
        let mut byte = 0;
        while byte < 128 {
            ascii[byte as usize] = is_in(byte as u8 as char);
            byte += 1;
        }
        CharSet {
            ascii,
            beyond: is_in,
        }
    }};
}

pub(crate) static BLANK: CharSet = char_set!(c in is_blank(c));
pub(crate) static BLANK_OR_LINE_END: CharSet = char_set!(c in c.is_whitespace());
/// What blanks, comments and continued lines begin with.
pub(crate) static GAP: CharSet = char_set!(c in c.is_whitespace() || matches!(c, '#' | '<' | '`'));
/// Inside a bare word, with its own meaning.
pub(crate) static WORD: CharSet = char_set!(c in !ends_word(c) && c != '`' && c != '$');
/// Behind a parameter's dash.
pub(crate) static PARAMETER: CharSet = char_set!(c in !ends_word(c) && c != ':' && c != '`');
/// Inside an expandable string, with its own meaning.
pub(crate) static PLAIN: CharSet = char_set!(c in !matches!(c, '`' | '$') && !is_double_quote(c));

impl CharSet {
    pub(crate) fn has(&self, c: char) -> bool {
        match self.ascii.get(c as usize) {
            Some(&is_in) if c.is_ascii() => is_in,
            Some(_) | None => (self.beyond)(c),
        }
    }

    /// Where the first character that is not in the set stands, from this byte offset on; else the
    /// text's end.
    pub(crate) fn end(&self, text: &str, from: usize) -> usize {
        let bytes = text.as_bytes();
        let mut at = from;
        loop {
            while at < bytes.len() && self.ascii[usize::from(bytes[at])] {
                at += 1;
            }
            if at >= bytes.len() || bytes[at].is_ascii() {
                return at;
            }
            match text[at..].chars().next() {
                Some(c) if (self.beyond)(c) => at += c.len_utf8(),
                Some(_) | None => return at,
            }
        }
    }
}

/// A character that separates words on a line.
pub(crate) const fn is_blank(c: char) -> bool {
    c.is_whitespace() && !is_line_end(c)
}

pub(crate) const fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// The hyphen and the dashes that PowerShell takes for it.
pub(crate) const fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2013}' | '\u{2014}' | '\u{2015}')
}

/// The quotes that delimit an expandable string: the straight one and the typographic ones.
pub(crate) const fn is_double_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

/// The quotes that delimit a verbatim string.
pub(crate) const fn is_single_quote(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}')
}

/// Whether a character cannot be inside a bare word.
pub(crate) const fn ends_word(c: char) -> bool {
    c.is_whitespace()
        || is_double_quote(c)
        || is_single_quote(c)
        || matches!(c, ';' | '|' | '&' | '(' | ')' | '{' | '}' | ',' | '<' | '>')
}
