//! Values: numbers, variables, properties, groups, hashtables.

use std::borrow::Cow;
use std::rc::Rc;

use crate::ast::{Comparison, Expr, ExprKind, Variable};
use crate::char_set::{ends_word, is_dash, is_double_quote, is_line_end, is_single_quote};
use crate::lexer::{Cursor, braced_guid, lower_case, number, type_name};
use crate::parser::{Parsed, Parser};

impl<'s> Parser<'s> {
    /// An expression: operands with commas, then `+`, then a comparison.
    pub(crate) fn expression(&mut self) -> Parsed<Expr<'s>> {
        let start = self.cursor.offset();
        let left = self.sum()?;
        self.blanks()?;
        let operator = self.cursor.offset();
        if let Some(name) = self.cursor.parameter_name() {
            let span = self.since(operator);
            let Some(comparison) = Comparison::named(name) else {
                return Err(self.error_with_help(
                    span,
                    format!("the operator -{name} is not understood"),
                    "-eq, -ne, -like and -notlike are, one in an expression",
                ));
            };
            self.blanks_and_lines()?;
            let right = self.sum()?;
            self.blanks()?;
            let second = self.cursor.offset();
            if let Some(name) = self.cursor.parameter_name() {
                return Err(self.error_with_help(
                    self.since(second),
                    format!("the operator -{name} is not understood here"),
                    "an expression holds one comparison",
                ));
            }
            return Ok(Expr {
                span: start..right.span.end,
                kind: ExprKind::Compare {
                    left: Box::new(left),
                    operator: comparison,
                    right: Box::new(right),
                },
            });
        }
        if let Some(c @ ('*' | '/' | '%' | '!')) = self.cursor.peek()
            && self.cursor.peek_second() != Some('>')
        {
            return Err(self.error(self.here(), format!("the operator {c} is not understood")));
        }
        if self.cursor.peek().is_some_and(is_dash) {
            return Err(self.error(self.here(), "the operator - is not understood"));
        }
        Ok(left)
    }

    fn sum(&mut self) -> Parsed<Expr<'s>> {
        let start = self.cursor.offset();
        let first = self.list()?;
        if !self.continues('+')? {
            return Ok(first);
        }
        let mut terms = vec![first];
        loop {
            terms.push(self.list()?);
            if !self.continues('+')? {
                return Ok(Expr {
                    span: self.since(start),
                    kind: ExprKind::Sum(terms),
                });
            }
        }
    }

    fn list(&mut self) -> Parsed<Expr<'s>> {
        let start = self.cursor.offset();
        let first = self.nested(Self::operand)?;
        if !self.continues(',')? {
            return Ok(first);
        }
        let mut items = vec![first];
        loop {
            items.push(self.nested(Self::operand)?);
            if !self.continues(',')? {
                return Ok(Expr {
                    span: self.since(start),
                    kind: ExprKind::Array(items),
                });
            }
        }
    }

    /// Whether this character comes next: it and what is blank around it are taken, else nothing is.
    fn continues(&mut self, sign: char) -> Parsed<bool> {
        let end = self.cursor.offset();
        self.blanks()?;
        let found = self.cursor.eat(sign);
        if found {
            self.blanks_and_lines()?;
        } else {
            self.cursor.move_to(end);
        }
        Ok(found)
    }

    /// A value with its properties, perhaps cast.
    pub(crate) fn operand(&mut self) -> Parsed<Expr<'s>> {
        let start = self.cursor.offset();
        if let Some(cast) = self.cast()? {
            self.blanks()?;
            let inner = self.nested(Self::operand)?;
            return Ok(Expr {
                span: self.since(start),
                kind: ExprKind::Cast(cast, Box::new(inner)),
            });
        }
        let is_digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
        let next = self.cursor.peek();
        if is_digit(next) || (next.is_some_and(is_dash) && is_digit(self.cursor.peek_second())) {
            return self.number_literal();
        }
        let primary = self.primary()?;
        self.postfix(primary)
    }

    fn number_literal(&mut self) -> Parsed<Expr<'s>> {
        let start = self.cursor.offset();
        let value = self.cursor.take(number).flatten();
        let glued = self.cursor.take_while(|c| c.is_alphanumeric() || c == '.');
        let span = self.since(start);
        let text = &self.cursor.text()[span.clone()];
        match value {
            Some(value) if glued.is_empty() => Ok(Expr {
                span,
                kind: ExprKind::Number { value, text: None },
            }),
            Some(_) | None => Err(self.error_with_help(
                span,
                format!("{text} is no whole number"),
                "texts stand in quotes",
            )),
        }
    }

    /// One item of an argument: as an operand, but bare words are texts.
    pub(crate) fn argument_item(&mut self) -> Parsed<Expr<'s>> {
        let start = self.cursor.offset();
        let Some(c) = self.cursor.peek() else {
            return Err(self.error(
                self.here(),
                "a value was expected here, not the end of the script",
            ));
        };
        let special =
            matches!(c, '$' | '(' | '@' | '{') || is_double_quote(c) || is_single_quote(c);
        let item = if c == '{'
            && let Some(guid) = self.cursor.take(braced_guid)
        {
            self.literal(start, guid.into())
        } else if special {
            let primary = self.nested(Self::primary)?;
            self.postfix(primary)?
        } else {
            if c == '[' {
                let found = self.cursor.take(type_name).is_some();
                let member = found && self.cursor.rest().starts_with("::");
                self.cursor.move_to(start);
                if member {
                    self.cast()?;
                }
            }
            let Some(word) = self.cursor.word() else {
                let text = format!("a value was expected here, not {}", self.found());
                return Err(self.error(self.here(), text));
            };
            let span = self.since(start);
            match whole_number(&word) {
                Some(value) => Expr {
                    span,
                    kind: ExprKind::Number {
                        value,
                        text: Some(word),
                    },
                },
                None => self.literal(start, word),
            }
        };
        // "text"more, $a$b, $net/24: PowerShell glues some of these together and splits others.
        if let Some(c) = self.cursor.peek()
            && (!ends_word(c) || is_double_quote(c) || is_single_quote(c) || matches!(c, '(' | '{'))
            && !(c == '`' && self.cursor.peek_second().is_some_and(is_line_end))
        {
            return Err(self.error_with_help(
                self.here(),
                format!("{} directly behind a value is not understood", self.found()),
                "write the whole value in double quotes, as in \"$net/24\" or \"$($vm.Name)-1\"",
            ));
        }
        Ok(item)
    }

    fn literal(&self, start: usize, text: Cow<'s, str>) -> Expr<'s> {
        Expr {
            span: self.since(start),
            kind: ExprKind::Literal(text),
        }
    }

    pub(crate) fn primary(&mut self) -> Parsed<Expr<'s>> {
        let start = self.cursor.offset();
        let open = self.here();
        let kind = match self.cursor.peek() {
            Some('$') if self.cursor.peek_second() == Some('(') => {
                self.cursor.next();
                self.parenthesised_statements(false)?
            }
            Some('$') => {
                self.cursor.next();
                ExprKind::Variable(self.variable(start)?)
            }
            Some('(') => {
                self.cursor.next();
                self.blanks_and_lines()?;
                let inner = self.nested(Self::pipeline)?;
                self.blanks_and_lines()?;
                self.close(')', open)?;
                ExprKind::Group(Box::new(inner))
            }
            Some('{') => {
                self.cursor.next();
                let block = self.nested(|parser| parser.block_body(Some('}')))?;
                self.close('}', open)?;
                ExprKind::Block(Rc::new(block))
            }
            Some('@') => self.at_sign(start)?,
            Some(c) if is_double_quote(c) => {
                self.cursor.next();
                self.expandable(open)?
            }
            Some(c) if is_single_quote(c) => {
                self.cursor.next();
                ExprKind::Literal(self.verbatim(open)?)
            }
            Some(_) | None => {
                let word_start = self.cursor.offset();
                if let Some(word) = self.cursor.word() {
                    return Err(self.error_with_help(
                        self.since(word_start),
                        format!("'{word}' is not understood as a value"),
                        "texts stand in quotes",
                    ));
                }
                let text = format!("a value was expected here, not {}", self.found());
                return Err(self.error(self.here(), text));
            }
        };
        Ok(Expr {
            span: self.since(start),
            kind,
        })
    }

    /// `( statements )`, from the parenthesis on.
    fn parenthesised_statements(&mut self, array: bool) -> Parsed<ExprKind<'s>> {
        let open = self.here();
        self.cursor.next();
        let statements = self.nested(|parser| parser.statements(Some(')')))?;
        self.close(')', open)?;
        Ok(ExprKind::Statements { statements, array })
    }

    /// `.Name` and `[index]` behind a value.
    fn postfix(&mut self, mut value: Expr<'s>) -> Parsed<Expr<'s>> {
        let start = value.span.start;
        for _ in 0..20 {
            let next = self.cursor.peek();
            let second = self.cursor.peek_second();
            if next == Some('.') && second.is_some_and(|c| c.is_alphabetic() || c == '_') {
                self.cursor.next();
                let name_start = self.cursor.offset();
                let text = self.cursor.identifier().unwrap_or_default();
                let name = self.since(name_start);
                if self.cursor.peek() == Some('(') {
                    let text = format!("the method {text}() is not understood");
                    return Err(self.error(name, text));
                }
                value = Expr {
                    span: self.since(start),
                    kind: ExprKind::Property {
                        of: Box::new(value),
                        name,
                    },
                };
            } else if next == Some('[') {
                let open = self.here();
                self.cursor.next();
                self.blanks_and_lines()?;
                let index = self.nested(Self::operand)?;
                self.blanks_and_lines()?;
                self.close(']', open)?;
                value = Expr {
                    span: self.since(start),
                    kind: ExprKind::Index {
                        of: Box::new(value),
                        index: Box::new(index),
                    },
                };
            } else {
                return Ok(value);
            }
        }
        Err(self.error(self.here(), "more than 20 properties behind each other"))
    }

    /// What stands behind `$`, which has been taken at `start`.
    fn variable(&mut self, start: usize) -> Parsed<Variable<'s>> {
        let braced = self.cursor.eat('{');
        let Some(mut name) = self.cursor.identifier() else {
            let text = format!("a variable's name was expected here, not {}", self.found());
            return Err(self.error(self.here(), text));
        };
        let mut scope = None;
        let scoped = self
            .cursor
            .peek_second()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        if self.cursor.peek() == Some(':') && scoped {
            self.cursor.next();
            scope = Some(lower_case(name));
            name = self.cursor.identifier().unwrap_or_default();
        }
        if braced {
            self.close('}', start..start + 2)?;
        }
        let name = lower_case(name);
        Ok(match (scope.as_deref(), &*name) {
            (None, "true") => Variable::True,
            (None, "false") => Variable::False,
            (None, "null") => Variable::Null,
            (None, "_") => Variable::Current,
            (None, _) => Variable::Named(name),
            (Some("using"), _) => Variable::Using(name),
            (Some("env"), "computername") => Variable::ComputerName,
            (Some(scope), _) => {
                return Err(self.error_with_help(
                    self.since(start),
                    format!("${scope}:{name} is not understood"),
                    "$using:name and $env:COMPUTERNAME are; before a colon in a text write ${name}",
                ));
            }
        })
    }

    /// `@( )`, `@{ }` and here-strings.
    fn at_sign(&mut self, start: usize) -> Parsed<ExprKind<'s>> {
        self.cursor.next();
        match self.cursor.peek() {
            Some('(') => self.parenthesised_statements(true),
            Some('{') => self.nested(Self::hashtable),
            Some(c) if is_double_quote(c) || is_single_quote(c) => self.here_string(start, c),
            Some(_) | None => Err(self.error(start..start + 1, "'@' is not understood here")),
        }
    }
}

/// A bare word that is a number and nothing else.
fn whole_number(word: &str) -> Option<i64> {
    let mut digits = Cursor::new(word);
    let value = digits.take(number).flatten();
    value.filter(|_| digits.rest().is_empty())
}
