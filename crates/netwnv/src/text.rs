//! Strings: verbatim, with variables, and here-strings.

use std::borrow::Cow;

use winnow::Parser as _;
use winnow::ascii::Caseless;
use winnow::combinator::delimited;
use winnow::error::EmptyError;
use winnow::token::take_while;

use crate::ast::{ExprKind, Piece, Span};
use crate::char_set::{PLAIN, is_blank, is_double_quote, is_single_quote};
use crate::lexer::Input;
use crate::parser::{Parsed, Parser};

/// Where a string with variables ends.
#[derive(Clone, Copy)]
enum TextEnd {
    /// At a double quote.
    Quote,
    /// At this byte offset (a here-string).
    Offset(usize),
}

impl<'s> Parser<'s> {
    /// A verbatim string, from behind its quote to behind its closing one.
    pub(crate) fn verbatim(&mut self, open: Span) -> Parsed<Cow<'s, str>> {
        self.until_quote(is_single_quote, open)
    }

    pub(crate) fn until_quote(
        &mut self,
        is_quote: fn(char) -> bool,
        open: Span,
    ) -> Parsed<Cow<'s, str>> {
        let mut text = Cow::Borrowed("");
        loop {
            text += self.cursor.take_while(|c| !is_quote(c));
            if self.cursor.next().is_none() {
                break;
            }
            // Two of them stand for one, the second.
            match self.cursor.peek() {
                Some(second) if is_quote(second) => {
                    self.cursor.next();
                    text.to_mut().push(second);
                }
                Some(_) | None => return Ok(text),
            }
        }
        Err(self.error(open, "the text that starts here has no closing quote"))
    }

    /// From the quote of `@"` on.
    pub(crate) fn here_string(&mut self, start: usize, quote: char) -> Parsed<ExprKind<'s>> {
        self.cursor.next();
        let header = self.since(start);
        self.cursor.take_while(is_blank);
        self.cursor.eat('\r');
        if !self.cursor.eat('\n') {
            return Err(self.error(header, "the text of a here-string starts on the next line"));
        }
        let body = self.cursor.offset();
        let is_quote = if is_double_quote(quote) {
            is_double_quote
        } else {
            is_single_quote
        };
        let text = self.cursor.text();
        // The end is a quote and '@' at the start of a line.
        let end = text[body - 1..].match_indices('\n').find_map(|(at, _)| {
            let line = &text[body + at..];
            let mut chars = line.chars();
            (chars.next().is_some_and(is_quote) && chars.next() == Some('@')).then_some(body + at)
        });
        let Some(end) = end else {
            return Err(self.error(header, "the here-string that starts here has no end"));
        };
        let last = end.max(body + 1) - 1;
        let last = if last > body && text[..last].ends_with('\r') {
            last - 1
        } else {
            last
        };
        let kind = if is_double_quote(quote) {
            self.pieces(TextEnd::Offset(last), header)?
        } else {
            ExprKind::Literal(Cow::Borrowed(&text[body..last]))
        };
        self.cursor.move_to(end);
        self.cursor.next();
        self.cursor.next();
        Ok(kind)
    }

    /// A string with variables, from behind its quote to behind its closing one.
    pub(crate) fn expandable(&mut self, open: Span) -> Parsed<ExprKind<'s>> {
        let kind = self.pieces(TextEnd::Quote, open)?;
        self.cursor.next();
        Ok(kind)
    }

    /// The inside of a string with variables; its end is left.
    fn pieces(&mut self, end: TextEnd, open: Span) -> Parsed<ExprKind<'s>> {
        let mut pieces = Vec::new();
        let mut literal = Cow::Borrowed("");
        loop {
            literal += self.plain(end);
            if matches!(end, TextEnd::Offset(offset) if self.cursor.offset() >= offset) {
                break;
            }
            let Some(c) = self.cursor.peek() else {
                return Err(self.error(open, "the text that starts here has no closing quote"));
            };
            let second = self.cursor.peek_second();
            match c {
                '`' => {
                    self.cursor.next();
                    if let Some(escaped) = self.cursor.next() {
                        literal.to_mut().push(unescape(escaped));
                    }
                }
                '$' if second == Some('(')
                    && let Some(c) = self.cursor.take(character) =>
                {
                    literal.to_mut().push(c);
                }
                '$' if second
                    .is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '(' | '{')) =>
                {
                    let expr = self.nested(Self::primary)?;
                    if matches!(end, TextEnd::Offset(offset) if self.cursor.offset() > offset) {
                        return Err(
                            self.error(expr.span, "this goes on behind the here-string's end")
                        );
                    }
                    let braced = self.cursor.text()[expr.span.clone()].ends_with('}');
                    if self.cursor.peek() == Some(':')
                        && matches!(expr.kind, ExprKind::Variable(_))
                        && !braced
                    {
                        let name = &self.cursor.text()[expr.span.start + 1..expr.span.end];
                        return Err(self.error_with_help(
                            expr.span.clone(),
                            "a variable right before a colon is not understood",
                            format!("write ${{{name}}}:"),
                        ));
                    }
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                    pieces.push(Piece::Expr(expr));
                }
                c if is_double_quote(c) && matches!(end, TextEnd::Quote) => {
                    if !second.is_some_and(is_double_quote) {
                        break;
                    }
                    self.cursor.next();
                    literal.to_mut().extend(self.cursor.next());
                }
                // A dollar sign before no name, a quote in a here-string.
                _ => literal += self.cursor.take_one(),
            }
        }
        if pieces.is_empty() {
            return Ok(ExprKind::Literal(literal));
        }
        pieces.push(Piece::Literal(literal));
        Ok(ExprKind::Text(pieces))
    }

    /// What stands here up to the next character that may mean more than itself.
    fn plain(&mut self, end: TextEnd) -> &'s str {
        let start = self.cursor.offset();
        let text = self.cursor.take_all(&PLAIN);
        match end {
            TextEnd::Offset(offset) if self.cursor.offset() > offset => {
                self.cursor.move_to(offset.max(start));
                &self.cursor.text()[self.since(start)]
            }
            TextEnd::Offset(_) | TextEnd::Quote => text,
        }
    }
}

/// `$([char]0xC4)`; of a character beyond 16 bits its two surrogates.
fn character(input: &mut Input<'_>) -> Result<char, EmptyError> {
    let unit = || {
        let digits = take_while(1..=4, |c: char| c.is_ascii_hexdigit());
        let digits = digits.try_map(|digits| u16::from_str_radix(digits, 16));
        delimited((Caseless("$([char]0x"),), digits, ')')
    };
    let first = unit().parse_next(input)?;
    let units = if (0xd800..0xdc00).contains(&first) {
        [Some(first), Some(unit().parse_next(input)?)]
    } else {
        [Some(first), None]
    };
    let mut decoded = char::decode_utf16(units.into_iter().flatten());
    decoded.next().and_then(Result::ok).ok_or(EmptyError)
}

/// What a backtick makes of the character behind it.
fn unescape(c: char) -> char {
    match c {
        '0' => '\0',
        'a' => '\u{7}',
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\u{b}',
        other => other,
    }
}
