//! Filter expressions from text, each mistake with its place.

use std::ops::Range;

use winnow::Parser;
use winnow::combinator::{alt, delimited, preceded, repeat};
use winnow::error::EmptyError;
use winnow::token::{none_of, one_of, take_while};

use crate::filter::field::{Expected, Field, Value, is_plain};
use crate::filter::{Expression, FilterError, Operator};
use crate::scenario::Scenario;

/// Parentheses and negations within each other.
const DEPTH_MAX: usize = 64;
/// Names that are listed where none was near.
const NAMES_LISTED: usize = 12;

/// Reads all of a text as one expression.
pub(crate) fn expression(text: &str, scenario: &Scenario) -> Result<Expression, FilterError> {
    let mut parser = Parsing {
        tokens: tokens(text)?,
        at: 0,
        end: text.len(),
        scenario,
    };
    let expression = parser.any(0)?;
    match parser.peek() {
        None => Ok(expression),
        Some(token) => Err(error(
            token.span.clone(),
            "'and' or 'or' is expected between two tests",
        )),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Word(String),
    /// In quotes: never an operator.
    Quoted(String),
    Operator(Operator),
    And,
    Or,
    Not,
    Open,
    Close,
    OpenSet,
    CloseSet,
    Comma,
    /// One `=`, which others write for `==`.
    Assign,
}

#[derive(Clone, Debug)]
struct Token {
    what: What,
    span: Range<usize>,
}

/// The longest sign first.
fn token(rest: &mut &str) -> Result<What, EmptyError> {
    let sign = alt((
        "==".value(What::Operator(Operator::Equal)),
        "!=".value(What::Operator(Operator::NotEqual)),
        "<=".value(What::Operator(Operator::LessOrEqual)),
        ">=".value(What::Operator(Operator::GreaterOrEqual)),
        "<".value(What::Operator(Operator::Less)),
        ">".value(What::Operator(Operator::Greater)),
        "&&".value(What::And),
        "||".value(What::Or),
        "!".value(What::Not),
    ));
    let bracket = alt((
        "(".value(What::Open),
        ")".value(What::Close),
        "{".value(What::OpenSet),
        "}".value(What::CloseSet),
        ",".value(What::Comma),
        "=".value(What::Assign),
    ));
    let escaped = alt((preceded('\\', one_of(['"', '\\'])), none_of(['"', '\\'])));
    let quoted = delimited('"', repeat(0.., escaped), '"').map(What::Quoted);
    let word = take_while(1.., is_plain).map(|word: &str| What::Word(word.to_owned()));
    alt((sign, bracket, quoted, word)).parse_next(rest)
}

fn tokens(text: &str) -> Result<Vec<Token>, FilterError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let start = text.len() - rest.len();
        let Ok(what) = token(&mut rest) else {
            let wrong = rest.chars().next().map_or(0, char::len_utf8);
            return Err(if rest.starts_with('"') {
                error(
                    start..text.len(),
                    "the quote is not closed, or holds a lone backslash",
                )
            } else {
                error(start..start + wrong, "this is no part of an expression")
            });
        };
        tokens.push(Token {
            what,
            span: start..text.len() - rest.len(),
        });
        rest = rest.trim_start();
    }
    Ok(tokens)
}

struct Parsing<'s> {
    tokens: Vec<Token>,
    at: usize,
    /// Of the text.
    end: usize,
    scenario: &'s Scenario,
}

impl Parsing<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn here(&self) -> Range<usize> {
        self.peek()
            .map_or(self.end..self.end, |token| token.span.clone())
    }

    /// Takes the next token if it is this sign.
    fn take(&mut self, sign: &What) -> bool {
        let taken = self.peek().is_some_and(|token| token.what == *sign);
        self.at += usize::from(taken);
        taken
    }

    /// Takes the next token if it is this word.
    fn take_word(&mut self, word: &str) -> bool {
        let taken = self.peek().is_some_and(
            |token| matches!(&token.what, What::Word(found) if found.eq_ignore_ascii_case(word)),
        );
        self.at += usize::from(taken);
        taken
    }

    fn any(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.all(depth)?];
        while self.take(&What::Or) || self.take_word("or") {
            parts.push(self.all(depth)?);
        }
        Ok(several(parts, Expression::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, FilterError> {
        let mut parts = vec![self.factor(depth)?];
        while self.take(&What::And) || self.take_word("and") {
            parts.push(self.factor(depth)?);
        }
        Ok(several(parts, Expression::All))
    }

    fn factor(&mut self, depth: usize) -> Result<Expression, FilterError> {
        if depth > DEPTH_MAX {
            let message = format!("parentheses and negations go deeper than {DEPTH_MAX}");
            return Err(error(self.here(), message));
        }
        if self.take(&What::Not) || self.take_word("not") {
            let part = self.factor(depth + 1)?;
            return Ok(Expression::Not(Box::new(part)));
        }
        let opened = self.here();
        if self.take(&What::Open) {
            let inside = self.any(depth + 1)?;
            if !self.take(&What::Close) {
                let mut unclosed = error(self.here(), "')' is expected");
                let column = opened.start + 1;
                unclosed.help = Some(format!("the parenthesis at column {column} is not closed"));
                return Err(unclosed);
            }
            return Ok(inside);
        }
        self.test()
    }

    fn test(&mut self) -> Result<Expression, FilterError> {
        let span = self.here();
        let Some(What::Word(name)) = self.peek().map(|token| token.what.clone()) else {
            return Err(error(
                span,
                "a field is expected, such as tenant or verdict",
            ));
        };
        let mut fields = Field::ALL.iter();
        let Some(&(field, _, _)) = fields.find(|(_, known, _)| known.eq_ignore_ascii_case(&name))
        else {
            let names = Field::ALL.map(|(_, name, _)| name.to_owned());
            return Err(unknown(span, "field", &name, &names));
        };
        self.at += 1;
        if self.take_word("in") {
            return Ok(Expression::In(field, self.set(field)?));
        }
        let operator = self.operator(field)?;
        Ok(Expression::Test(field, operator, self.value(field)?))
    }

    fn operator(&mut self, field: Field) -> Result<Operator, FilterError> {
        let span = self.here();
        let found = match self.peek().map(|token| &token.what) {
            Some(What::Operator(operator)) => Some(*operator),
            Some(What::Word(word)) => {
                let mut all = Operator::ALL.iter();
                all.find(|(_, _, letters)| letters.eq_ignore_ascii_case(word))
                    .map(|&(operator, _, _)| operator)
            }
            Some(What::Assign) => {
                let mut assigned = error(span, "'=' is no operator");
                assigned.help = Some("write == for equality".to_owned());
                return Err(assigned);
            }
            _ => None,
        };
        let Some(operator) = found else {
            let message = if field.kind().is_ordered() {
                "==, !=, <, <=, >, >= or in is expected"
            } else {
                "==, != or in is expected"
            };
            return Err(error(span, message));
        };
        if operator.orders() && !field.kind().is_ordered() {
            let message = format!("values of {} have no order", field.name());
            let mut unordered = error(span, message);
            unordered.help = Some("use == or !=".to_owned());
            return Err(unordered);
        }
        self.at += 1;
        Ok(operator)
    }

    fn set(&mut self, field: Field) -> Result<Vec<Value>, FilterError> {
        if !self.take(&What::OpenSet) {
            let mut open = error(self.here(), "'{' is expected");
            open.help = Some(format!("as in: {} in {{a, b}}", field.name()));
            return Err(open);
        }
        let mut values = vec![self.value(field)?];
        while self.take(&What::Comma) {
            values.push(self.value(field)?);
        }
        if !self.take(&What::CloseSet) {
            return Err(error(self.here(), "',' or '}' is expected"));
        }
        Ok(values)
    }

    fn value(&mut self, field: Field) -> Result<Value, FilterError> {
        let span = self.here();
        let text = match self.peek().map(|token| &token.what) {
            Some(What::Word(text) | What::Quoted(text)) => text.clone(),
            _ => {
                let message = format!("a value of {} is expected", field.name());
                return Err(error(span, message));
            }
        };
        let value = field.kind().value(&text, self.scenario);
        let value = value.map_err(|expected| match expected {
            Expected::What(what) => {
                error(span, format!("{} takes {what}, not '{text}'", field.name()))
            }
            Expected::Name(kind, names) => unknown(span, kind, &text, &names),
        })?;
        self.at += 1;
        Ok(value)
    }
}

fn several(
    mut parts: Vec<Expression>,
    joined: impl FnOnce(Vec<Expression>) -> Expression,
) -> Expression {
    match (parts.pop(), parts.is_empty()) {
        (Some(only), true) => only,
        (last, _) => {
            parts.extend(last);
            joined(parts)
        }
    }
}

fn error(span: Range<usize>, message: impl Into<String>) -> FilterError {
    FilterError {
        span,
        message: message.into(),
        help: None,
    }
}

/// Nothing has this name: perhaps one that is spelled like it was meant.
fn unknown(span: Range<usize>, kind: &str, text: &str, names: &[String]) -> FilterError {
    let wanted = text.to_lowercase();
    let distance = |name: &String| strsim::damerau_levenshtein(&wanted, &name.to_lowercase());
    let nearest = names.iter().min_by_key(|name| distance(name));
    let near = nearest.filter(|name| distance(name) <= (wanted.chars().count() / 3).max(1));
    let help = match near {
        Some(name) => Some(format!("did you mean {name}?")),
        None if names.is_empty() => None,
        None => {
            let listed = names.iter().take(NAMES_LISTED).map(String::as_str);
            let listed: Vec<_> = listed.collect();
            let more = if names.len() > NAMES_LISTED {
                ", ..."
            } else {
                ""
            };
            Some(format!("there are: {}{more}", listed.join(", ")))
        }
    };
    FilterError {
        span,
        message: format!("there is no {kind} '{text}'"),
        help,
    }
}
