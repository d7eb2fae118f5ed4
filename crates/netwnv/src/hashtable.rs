//! Hashtables: `@{ Name = value }`.

use std::borrow::Cow;

use crate::ast::{Expr, ExprKind, Span};
use crate::char_set::{is_double_quote, is_line_end, is_single_quote};
use crate::parser::{Parsed, Parser};

impl<'s> Parser<'s> {
    /// From the brace of `@{` on.
    pub(crate) fn hashtable(&mut self) -> Parsed<ExprKind<'s>> {
        let open = self.here();
        self.cursor.next();
        let mut entries: Vec<(Cow<'s, str>, Span, Expr<'s>)> = Vec::new();
        loop {
            self.blanks_and_lines()?;
            if self.cursor.eat(';') {
                continue;
            }
            if matches!(self.cursor.peek(), None | Some('}')) {
                break;
            }
            let start = self.cursor.offset();
            let key = if let Some(name) = self.cursor.identifier() {
                Cow::Borrowed(name)
            } else {
                let quote = self.here();
                match self.cursor.peek() {
                    Some(c) if is_single_quote(c) || c == '"' => {
                        let c = if c == '"' {
                            is_double_quote
                        } else {
                            is_single_quote
                        };
                        self.cursor.next();
                        let key = self.until_quote(c, quote.clone())?;
                        if key.contains(['$', '`']) {
                            return Err(self.error(quote, "a name is written without $ and `"));
                        }
                        key
                    }
                    _ => {
                        let text = format!("a name was expected here, not {}", self.found());
                        return Err(self.error(self.here(), text));
                    }
                }
            };
            let span = self.since(start);
            if entries
                .iter()
                .any(|(other, ..)| other.eq_ignore_ascii_case(&key))
            {
                return Err(self.error(span, format!("{key} is in this hashtable twice")));
            }
            self.blanks()?;
            if !self.cursor.eat('=') {
                let text = format!("'=' was expected behind {key}, not {}", self.found());
                return Err(self.error(self.here(), text));
            }
            self.blanks_and_lines()?;
            let value = self.nested(Self::expression)?;
            entries.push((key, span, value));
            self.blanks()?;
            if !self
                .cursor
                .peek()
                .is_none_or(|c| matches!(c, ';' | '}') || is_line_end(c))
            {
                let text = format!("{} is not understood here", self.found());
                return Err(self.error(self.here(), text));
            }
        }
        self.close('}', open)?;
        Ok(ExprKind::Table(entries))
    }
}
