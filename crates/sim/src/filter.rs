//! Which frames of a replay are shown: expressions over a frame's whole walk.
//!
//! ```text
//! expression = conjunction *(("or" | "||") conjunction)
//! conjunction = factor *(("and" | "&&") factor)
//! factor     = ("not" | "!") factor | "(" expression ")" | test
//! test       = FIELD operator VALUE | FIELD "in" "{" VALUE *("," VALUE) "}"
//! operator   = "==" | "!=" | "<" | "<=" | ">" | ">=", or in letters eq ne lt le gt ge
//! ```
//!
//! Fields are in `filter/field.rs`. A value is a word, or stands in double quotes, where `\"` and `\\`
//! are a quote and a backslash. A walk may have several values of a field, such as the keys of several
//! copies, or none: a test with `==`, `in` or an order holds if it does for one of them, `!=` if `==`
//! does not. Names compare without case.

use std::fmt;
use std::ops::Range;

use nvgre_netwnv::Place;

use crate::filter::facts::Facts;
use crate::filter::field::{Field, Value};
use crate::scenario::Scenario;

pub(crate) mod facts;
pub(crate) mod field;
mod parse;

/// An expression that was read and fits its scenario. Shows as text that reads as the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter(pub(crate) Expression);

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    /// The bytes of the expression that it is about; empty at its end.
    pub span: Range<usize>,
    /// What is wrong: one sentence without full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expression {
    /// Two or more.
    Any(Vec<Expression>),
    /// Two or more.
    All(Vec<Expression>),
    Not(Box<Expression>),
    Test(Field, Operator, Value),
    In(Field, Vec<Value>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Filter {
    /// Reads an expression; names in it are those of this scenario.
    pub fn parse(text: &str, scenario: &Scenario) -> Result<Self, FilterError> {
        parse::expression(text, scenario).map(Self)
    }

    pub(crate) fn matches(&self, facts: &Facts<'_>) -> bool {
        self.0.holds(facts)
    }
}

impl FilterError {
    /// The message, the expression, and a caret below what it is about. `from` says where the
    /// expression was written, such as `--filter`.
    pub fn render(&self, from: &str, text: &str) -> String {
        let place = Place::of(from, text, self.span.start);
        let excerpt = place.excerpt(text, &self.span, self.help.as_deref());
        format!("{from}: {self}\n{excerpt}")
    }
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FilterError {}

impl Operator {
    /// Every operator: its sign, and its letters.
    pub(crate) const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Equal, "==", "eq"),
        (Self::NotEqual, "!=", "ne"),
        (Self::LessOrEqual, "<=", "le"),
        (Self::GreaterOrEqual, ">=", "ge"),
        (Self::Less, "<", "lt"),
        (Self::Greater, ">", "gt"),
    ];

    pub(crate) const fn orders(self) -> bool {
        !matches!(self, Self::Equal | Self::NotEqual)
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Expression {
    fn holds(&self, facts: &Facts<'_>) -> bool {
        match self {
            Self::Any(parts) => parts.iter().any(|part| part.holds(facts)),
            Self::All(parts) => parts.iter().all(|part| part.holds(facts)),
            Self::Not(part) => !part.holds(facts),
            Self::Test(field, Operator::NotEqual, value) => {
                !facts.any(*field, |found| value.is(found))
            }
            Self::Test(field, operator, value) => facts.any(*field, |found| {
                let order = || value.order_of(found);
                match operator {
                    Operator::Equal => value.is(found),
                    Operator::NotEqual => !value.is(found),
                    Operator::Less => order().is_some_and(|order| order.is_lt()),
                    Operator::LessOrEqual => order().is_some_and(|order| order.is_le()),
                    Operator::Greater => order().is_some_and(|order| order.is_gt()),
                    Operator::GreaterOrEqual => order().is_some_and(|order| order.is_ge()),
                }
            }),
            Self::In(field, values) => {
                facts.any(*field, |found| values.iter().any(|value| value.is(found)))
            }
        }
    }

    /// How tightly it binds: what binds less than its surroundings stands in parentheses.
    const fn binds(&self) -> u8 {
        match self {
            Self::Any(_) => 0,
            Self::All(_) => 1,
            Self::Not(_) | Self::Test(..) | Self::In(..) => 2,
        }
    }

    fn put(&self, outside: u8, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parentheses = self.binds() < outside;
        if parentheses {
            f.write_str("(")?;
        }
        match self {
            Self::Any(parts) => put_all(parts, " or ", 1, f)?,
            Self::All(parts) => put_all(parts, " and ", 2, f)?,
            Self::Not(part) => {
                f.write_str("not ")?;
                part.put(2, f)?;
            }
            Self::Test(field, operator, value) => {
                write!(f, "{} {} {value}", field.name(), operator.sign())?;
            }
            Self::In(field, values) => {
                write!(f, "{} in {{", field.name())?;
                for (index, value) in values.iter().enumerate() {
                    let before = if index == 0 { "" } else { ", " };
                    write!(f, "{before}{value}")?;
                }
                f.write_str("}")?;
            }
        }
        if parentheses {
            f.write_str(")")?;
        }
        Ok(())
    }
}

fn put_all(
    parts: &[Expression],
    between: &str,
    outside: u8,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(between)?;
        }
        part.put(outside, f)?;
    }
    Ok(())
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.put(0, f)
    }
}
