//! Pipelines, commands and their arguments.

use std::borrow::Cow;

use smallvec::smallvec;

use crate::ast::{Argument, Command, Element, Expr, ExprKind, Pipeline};
use crate::char_set::{
    ends_word, is_blank, is_dash, is_double_quote, is_line_end, is_single_quote,
};
use crate::lexer::lower_case;
use crate::parser::{Parsed, Parser};

/// Words that begin a statement PowerShell has and this subset has not.
const KEYWORDS: &[&str] = &[
    "begin",
    "break",
    "catch",
    "class",
    "continue",
    "data",
    "do",
    "dynamicparam",
    "else",
    "elseif",
    "end",
    "enum",
    "exit",
    "filter",
    "finally",
    "for",
    "foreach",
    "function",
    "if",
    "in",
    "param",
    "process",
    "return",
    "switch",
    "throw",
    "trap",
    "try",
    "until",
    "using",
    "while",
    "workflow",
];

impl<'s> Parser<'s> {
    /// One pipeline, which may go on behind each `|` on the next line.
    pub(crate) fn pipeline(&mut self) -> Parsed<Pipeline<'s>> {
        let mut elements = smallvec![self.element(true)?];
        let mut discarded = false;
        loop {
            self.blanks()?;
            discarded |= self.redirection()?;
            self.blanks()?;
            if self.cursor.rest().starts_with("||") || self.cursor.rest().starts_with("&&") {
                let start = self.cursor.offset();
                return Err(self.error(
                    start..start + 2,
                    format!("{} is not understood", &self.cursor.rest()[..2]),
                ));
            }
            if !self.cursor.eat('|') {
                break;
            }
            self.blanks_and_lines()?;
            elements.push(self.element(false)?);
        }
        Ok(Pipeline {
            elements,
            discarded,
        })
    }

    /// `> $null` and its relatives; true if the output went there.
    fn redirection(&mut self) -> Parsed<bool> {
        let start = self.cursor.offset();
        let stream = self.cursor.rest().chars().next();
        if matches!(stream, Some('1'..='6' | '*')) && self.cursor.peek_second() == Some('>') {
            self.cursor.next();
        }
        if !self.cursor.eat('>') {
            self.cursor.move_to(start);
            return Ok(false);
        }
        self.cursor.eat('>');
        self.blanks()?;
        let target = self.cursor.offset();
        let is_null = self.cursor.eat('$')
            && self
                .cursor
                .identifier()
                .is_some_and(|name| name.eq_ignore_ascii_case("null"));
        if !is_null {
            self.cursor.move_to(target);
            self.cursor.take_while(|c| !c.is_whitespace());
            return Err(self.error(
                self.since(start),
                "only a redirection to $null is understood",
            ));
        }
        Ok(matches!(stream, Some('>' | '1' | '*')))
    }

    fn element(&mut self, first: bool) -> Parsed<Element<'s>> {
        let Some(c) = self.cursor.peek() else {
            return Err(self.error(
                self.here(),
                "a command was expected here, not the end of the script",
            ));
        };
        let is_number = c.is_ascii_digit()
            || (is_dash(c)
                && self
                    .cursor
                    .peek_second()
                    .is_some_and(|c| c.is_ascii_digit()));
        if is_number
            || matches!(c, '$' | '(' | '@' | '[' | '{')
            || is_double_quote(c)
            || is_single_quote(c)
        {
            let start = self.cursor.offset();
            let expr = self.nested(Self::expression)?;
            if !first {
                return Err(self.error(
                    self.since(start),
                    "a command was expected behind '|', not a value",
                ));
            }
            return Ok(Element::Expr(expr));
        }
        if c == '&' || (c == '.' && self.cursor.peek_second().is_some_and(is_blank)) {
            return Err(self.error_with_help(
                self.here(),
                format!("the call operator {c} is not understood"),
                "write the commands of the other script or block here",
            ));
        }
        Ok(Element::Command(self.command()?))
    }

    fn command(&mut self) -> Parsed<Command<'s>> {
        let start = self.cursor.offset();
        let Some(name) = self.cursor.word() else {
            let text = format!("a command was expected here, not {}", self.found());
            return Err(self.error(self.here(), text));
        };
        let name_span = self.since(start);
        if KEYWORDS.iter().any(|word| name.eq_ignore_ascii_case(word)) {
            return Err(self.error_with_help(
                name_span,
                format!("'{name}' is not understood"),
                "write the commands one after the other, without loops, conditions and functions",
            ));
        }
        if self
            .cursor
            .peek()
            .is_some_and(|c| !ends_word(c) || c == '(')
        {
            let text = format!("{} is not understood in a command's name", self.found());
            return Err(self.error(self.here(), text));
        }
        // Room for a command of usual length, so that few grow.
        let mut arguments = Vec::with_capacity(16);
        loop {
            self.blanks()?;
            match self.cursor.peek() {
                None | Some(';' | '|' | ')' | '}' | '>') => break,
                Some(c) if is_line_end(c) => break,
                Some('&') => break,
                Some('1'..='6' | '*') if self.cursor.peek_second() == Some('>') => break,
                Some(_) => arguments.push(self.nested(Self::argument)?),
            }
        }
        Ok(Command {
            name: with_ascii_dashes(name),
            name_span,
            arguments,
        })
    }

    fn argument(&mut self) -> Parsed<Argument<'s>> {
        let start = self.cursor.offset();
        if let Some(name) = self.cursor.parameter_name() {
            let span = self.since(start);
            let mut value = None;
            if self.cursor.eat(':') {
                self.blanks()?;
                value = Some(Box::new(self.argument_value()?));
            }
            return Ok(Argument::Named { name, span, value });
        }
        let next = self.cursor.peek_second();
        if self.cursor.peek() == Some('@') && next.is_some_and(|c| c.is_alphabetic() || c == '_') {
            self.cursor.next();
            let name = self.cursor.identifier().unwrap_or_default();
            return Ok(Argument::Splat {
                name: lower_case(name),
                span: self.since(start),
            });
        }
        Ok(Argument::Value(self.argument_value()?))
    }

    /// A value in an argument, with its commas.
    fn argument_value(&mut self) -> Parsed<Expr<'s>> {
        let start = self.cursor.offset();
        let first = self.argument_item()?;
        let mut end = self.cursor.offset();
        self.blanks()?;
        if self.cursor.peek() != Some(',') {
            return Ok(first);
        }
        let mut items = vec![first];
        while self.cursor.eat(',') {
            self.blanks_and_lines()?;
            items.push(self.argument_item()?);
            end = self.cursor.offset();
            self.blanks()?;
        }
        Ok(Expr {
            span: start..end,
            kind: ExprKind::Array(items),
        })
    }
}

fn with_ascii_dashes(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.is_ascii() {
        return name;
    }
    let ascii = |c| if is_dash(c) { '-' } else { c };
    name.chars().map(ascii).collect()
}
