//! Characters to words. PowerShell reads the same characters differently where an expression and
//! where an argument is expected, so the parser asks for what it expects; there is no token stream.

use std::ops::Range;

use winnow::Parser;
use winnow::combinator::{alt, delimited, opt, preceded, repeat};
use winnow::error::EmptyError;
use winnow::stream::{LocatingSlice, Location, Stream};
use winnow::token::{one_of, take_till, take_until, take_while};

/// What the parsers of this file read from.
pub(crate) type Input<'s> = LocatingSlice<&'s str>;

/// Where the parser is in the text.
pub(crate) struct Cursor<'s> {
    text: &'s str,
    input: Input<'s>,
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
        let mut cursor = Self {
            text,
            input: LocatingSlice::new(text),
        };
        cursor.eat('\u{feff}');
        cursor
    }

    /// Byte offset of the next character.
    pub(crate) fn offset(&self) -> usize {
        self.input.current_token_start()
    }

    pub(crate) fn text(&self) -> &'s str {
        self.text
    }

    pub(crate) fn rest(&self) -> &'s str {
        &self.text[self.offset()..]
    }

    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// The character behind the next.
    pub(crate) fn peek_second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    pub(crate) fn next(&mut self) -> Option<char> {
        self.input.next_token()
    }

    /// Takes the next character if it is this one.
    pub(crate) fn eat(&mut self, c: char) -> bool {
        self.take(c).is_some()
    }

    /// Runs a parser; where it does not match, nothing is taken.
    pub(crate) fn take<O>(
        &mut self,
        mut parser: impl Parser<Input<'s>, O, EmptyError>,
    ) -> Option<O> {
        let start = self.input.checkpoint();
        let found = parser.parse_next(&mut self.input).ok();
        if found.is_none() {
            self.input.reset(&start);
        }
        found
    }

    /// Moves to a byte offset, which must be at a character's start.
    pub(crate) fn move_to(&mut self, offset: usize) {
        self.input.reset_to_start();
        self.input.next_slice(offset);
    }

    /// Skips blanks, comments and continued line ends; with `lines`, line ends too.
    pub(crate) fn skip_blanks(&mut self, lines: bool) -> Result<(), BlankError> {
        loop {
            let start = self.offset();
            self.take(take_while(0.., |c| {
                is_blank(c) || (lines && is_line_end(c))
            }));
            if self.rest().starts_with("<#") {
                if self.take(block_comment).is_none() {
                    return Err(BlankError::OpenComment(start_of(self.offset(), 2)));
                }
            } else if self.peek() == Some('#') {
                self.take(line_comment);
            } else if self.peek() == Some('`') && self.take(continuation).is_none() {
                let backtick = self.offset();
                if self.peek_second().is_some_and(is_blank) && self.rest_of_line_is_blank(1) {
                    return Err(BlankError::BacktickBeforeBlank(start_of(backtick, 1)));
                }
                return Ok(());
            }
            if self.offset() == start {
                return Ok(());
            }
        }
    }

    fn rest_of_line_is_blank(&self, skip: usize) -> bool {
        self.rest()
            .chars()
            .skip(skip)
            .take_while(|&c| !is_line_end(c))
            .all(is_blank)
    }
}

fn start_of(offset: usize, len: usize) -> Range<usize> {
    offset..offset + len
}

fn line_comment<'s>(input: &mut Input<'s>) -> Result<&'s str, EmptyError> {
    ('#', take_till(0.., is_line_end)).take().parse_next(input)
}

fn block_comment<'s>(input: &mut Input<'s>) -> Result<&'s str, EmptyError> {
    ("<#", take_until(0.., "#>"), "#>").take().parse_next(input)
}

fn continuation<'s>(input: &mut Input<'s>) -> Result<&'s str, EmptyError> {
    preceded('`', alt(("\r\n", "\n", "\r"))).parse_next(input)
}

/// A name of a variable, property or hashtable key.
pub(crate) fn identifier<'s>(input: &mut Input<'s>) -> Result<&'s str, EmptyError> {
    take_while(1.., |c: char| c.is_alphanumeric() || c == '_').parse_next(input)
}

/// `-Name` without its dash; names may hold inner dashes and dots.
pub(crate) fn parameter_name<'s>(input: &mut Input<'s>) -> Result<&'s str, EmptyError> {
    preceded(
        one_of(is_dash),
        (
            one_of(|c: char| c.is_alphabetic() || c == '_' || c == '?'),
            take_while(0.., |c: char| !ends_word(c) && c != ':' && c != '`'),
        )
            .take(),
    )
    .parse_next(input)
}

/// A bare word, with backtick escapes resolved.
pub(crate) fn word(input: &mut Input<'_>) -> Result<String, EmptyError> {
    let plain = take_while(1.., |c: char| !ends_word(c) && c != '`' && c != '$');
    let escaped = preceded('`', one_of(|c: char| !is_line_end(c)).take());
    repeat(1.., alt((plain, escaped)))
        .fold(String::new, |mut word: String, part: &str| {
            word.push_str(part);
            word
        })
        .parse_next(input)
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

/// A character that separates words on a line.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() && !is_line_end(c)
}

pub(crate) fn is_line_end(c: char) -> bool {
    matches!(c, '\n' | '\r')
}

/// The hyphen and the dashes that PowerShell takes for it.
pub(crate) fn is_dash(c: char) -> bool {
    matches!(c, '-' | '\u{2013}' | '\u{2014}' | '\u{2015}')
}

/// The quotes that delimit an expandable string: the straight one and the typographic ones.
pub(crate) fn is_double_quote(c: char) -> bool {
    matches!(c, '"' | '\u{201c}' | '\u{201d}' | '\u{201e}')
}

/// The quotes that delimit a verbatim string.
pub(crate) fn is_single_quote(c: char) -> bool {
    matches!(c, '\'' | '\u{2018}' | '\u{2019}' | '\u{201a}' | '\u{201b}')
}

/// Whether a character cannot be inside a bare word.
pub(crate) fn ends_word(c: char) -> bool {
    c.is_whitespace()
        || is_double_quote(c)
        || is_single_quote(c)
        || matches!(c, ';' | '|' | '&' | '(' | ')' | '{' | '}' | ',' | '<' | '>')
}
