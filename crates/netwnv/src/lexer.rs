//! Characters to words. PowerShell reads the same characters differently where an expression and
//! where an argument is expected, so the parser asks for what it expects; there is no token stream.

use std::borrow::Cow;
use std::ops::Range;

use winnow::Parser;
use winnow::combinator::{alt, delimited, opt, preceded};
use winnow::error::EmptyError;
use winnow::token::{one_of, take_while};

use crate::char_set::{
    BLANK, BLANK_OR_LINE_END, CharSet, PARAMETER, WORD, is_blank, is_dash, is_line_end,
};

/// What the parsers of this file read from.
pub(crate) type Input<'s> = &'s str;

/// Where the parser is in the text.
pub(crate) struct Cursor<'s> {
    text: &'s str,
    /// Byte offset of the next character.
    at: usize,
}

/// Why blanks could not be skipped.
pub(crate) enum BlankError {
    /// `<#` without `#>`.
    OpenComment(Range<usize>),
    /// A backtick with blanks behind it at the end of a line.
    BacktickBeforeBlank(Range<usize>),
}

impl<'s> Cursor<'s> {
    pub(crate) fn new(text: &'s str) -> Self {
        let mut cursor = Self { text, at: 0 };
        cursor.eat('\u{feff}');
        cursor
    }

    /// Byte offset of the next character.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    pub(crate) fn text(&self) -> &'s str {
        self.text
    }

    pub(crate) fn rest(&self) -> &'s str {
        &self.text[self.at..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.char_at(self.at)
    }

    fn char_at(&self, offset: usize) -> Option<char> {
        match self.text.as_bytes().get(offset) {
            Some(byte) if byte.is_ascii() => Some(char::from(*byte)),
            Some(_) => self.text[offset..].chars().next(),
            None => None,
        }
    }

    /// The character behind the next.
    pub(crate) fn peek_second(&self) -> Option<char> {
        self.char_at(self.at + self.peek()?.len_utf8())
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }

    /// [`Cursor::next`] as a text.
    pub(crate) fn take_one(&mut self) -> &'s str {
        let start = self.at;
        self.next();
        &self.text[start..self.at]
    }

    /// Takes the next character if it is this one.
    pub(crate) fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// Takes as many characters as are in a set, which may be none.
    pub(crate) fn take_while(&mut self, is_in: impl Fn(char) -> bool) -> &'s str {
        let rest = self.rest();
        let len = rest.find(|c| !is_in(c)).unwrap_or(rest.len());
        self.at += len;
        &rest[..len]
    }

    /// The same where it is worth a table.
    pub(crate) fn take_all(&mut self, set: &CharSet) -> &'s str {
        let start = self.at;
        self.at = set.end(self.text, start);
        &self.text[start..self.at]
    }

    /// Runs a parser; where it does not match, nothing is taken.
    pub(crate) fn take<O>(
        &mut self,
        mut parser: impl Parser<Input<'s>, O, EmptyError>,
    ) -> Option<O> {
        let mut rest = self.rest();
        let found = parser.parse_next(&mut rest).ok()?;
        self.at = self.text.len() - rest.len();
        Some(found)
    }

    /// Moves to a byte offset, which must be at a character's start.
    pub(crate) fn move_to(&mut self, offset: usize) {
        self.at = offset;
    }

    /// A name of a variable, property or hashtable key.
    pub(crate) fn identifier(&mut self) -> Option<&'s str> {
        let name = self.take_while(|c| c.is_alphanumeric() || c == '_');
        (!name.is_empty()).then_some(name)
    }

    /// `-Name` without its dash; names may hold inner dashes and dots.
    pub(crate) fn parameter_name(&mut self) -> Option<&'s str> {
        let dash = self.peek().filter(|&c| is_dash(c))?;
        self.peek_second()
            .filter(|&c| c.is_alphabetic() || c == '_' || c == '?')?;
        self.at += dash.len_utf8();
        Some(self.take_all(&PARAMETER))
    }

    /// A bare word, with backtick escapes resolved.
    pub(crate) fn word(&mut self) -> Option<Cow<'s, str>> {
        let mut word = Cow::Borrowed("");
        loop {
            word += self.take_all(&WORD);
            if self.peek() != Some('`') || self.peek_second().is_none_or(is_line_end) {
                return (!word.is_empty()).then_some(word);
            }
            self.at += '`'.len_utf8();
            word.to_mut().extend(self.next());
        }
    }

    /// Skips blanks, comments and continued line ends; with `lines`, line ends too.
    pub(crate) fn skip_blanks(&mut self, lines: bool) -> Result<(), BlankError> {
        let blanks = if lines { &BLANK_OR_LINE_END } else { &BLANK };
        loop {
            self.at = blanks.end(self.text, self.at);
            match self.peek() {
                Some('#') => {
                    self.take_while(|c| !is_line_end(c));
                }
                Some('<') if self.peek_second() == Some('#') => {
                    let open = self.at..self.at + 2;
                    // The end may not share the start's '#'.
                    let Some(len) = self.text[open.end..].find("#>") else {
                        return Err(BlankError::OpenComment(open));
                    };
                    self.at = open.end + len + 2;
                }
                Some('`') => match self.peek_second() {
                    Some('\r') if self.text.as_bytes().get(self.at + 2) == Some(&b'\n') => {
                        self.at += 3;
                    }
                    Some('\n' | '\r') => self.at += 2,
                    Some(c) if is_blank(c) && self.rest_of_line_is_blank() => {
                        return Err(BlankError::BacktickBeforeBlank(self.at..self.at + 1));
                    }
                    Some(_) | None => return Ok(()),
                },
                Some(_) | None => return Ok(()),
            }
        }
    }

    /// Whether only blanks are behind the next character up to the end of the line.
    fn rest_of_line_is_blank(&self) -> bool {
        self.rest()
            .chars()
            .skip(1)
            .take_while(|&c| !is_line_end(c))
            .all(is_blank)
    }
}

/// A whole number as PowerShell writes it: decimal or 0x, with kb, mb, gb or tb behind it.
/// `None` inside: it does not fit 64 bits.
pub(crate) fn number(input: &mut Input<'_>) -> Result<Option<i64>, EmptyError> {
    let digits = |set: fn(char) -> bool| take_while(1.., set);
    let (negative, (radix, digits), unit) = (
        opt(one_of(is_dash)),
        alt((
            preceded(alt(("0x", "0X")), digits(|c| c.is_ascii_hexdigit())).map(|d: &str| (16, d)),
            digits(|c| c.is_ascii_digit()).map(|d: &str| (10, d)),
        )),
        opt((
            one_of(['k', 'K', 'm', 'M', 'g', 'G', 't', 'T']),
            one_of(['b', 'B']),
        )),
    )
        .parse_next(input)?;
    let shift = match unit.map(|(letter, _)| letter.to_ascii_lowercase()) {
        None => 0,
        Some('k') => 10,
        Some('m') => 20,
        Some('g') => 30,
        Some(_t) => 40,
    };
    let value = i64::from_str_radix(digits, radix)
        .ok()
        .and_then(|value| value.checked_mul(1 << shift))
        .map(|value| if negative.is_some() { -value } else { value });
    Ok(value)
}

/// `[name]`, as in a cast; `[name[]]` too.
pub(crate) fn type_name<'s>(input: &mut Input<'s>) -> Result<&'s str, EmptyError> {
    let name = take_while(1.., |c: char| c.is_alphanumeric() || matches!(c, '.' | '_'));
    delimited('[', (name, opt("[]")).take(), ']').parse_next(input)
}

/// A GUID in braces without quotes, where PowerShell would see a script block that only a GUID
/// fits in.
pub(crate) fn braced_guid<'s>(input: &mut Input<'s>) -> Result<&'s str, EmptyError> {
    (
        '{',
        take_while(36..=36, |c: char| c.is_ascii_hexdigit() || c == '-'),
        '}',
    )
        .take()
        .parse_next(input)
}

/// In lower case, which most names are already.
pub(crate) fn lower_case(name: &str) -> Cow<'_, str> {
    let is_lower = |byte: u8| byte.is_ascii() && !byte.is_ascii_uppercase();
    if name.bytes().all(is_lower) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(name.to_lowercase())
}
