//! A script as a tree. Every node knows which bytes of the source it came from.

use std::ops::Range;
use std::rc::Rc;

/// Bytes of the source's text.
pub(crate) type Span = Range<usize>;

/// A script, or what stands between braces.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) parameters: Vec<BlockParameter>,
    pub(crate) statements: Vec<Statement>,
}

/// One of `Param(...)`.
#[derive(Debug)]
pub(crate) struct BlockParameter {
    /// Lower case.
    pub(crate) name: String,
    pub(crate) cast: Option<Cast>,
    pub(crate) default: Option<Expr>,
}

#[derive(Debug)]
pub(crate) enum Statement {
    Assign {
        /// Lower case.
        name: String,
        cast: Option<Cast>,
        value: Pipeline,
    },
    Pipeline(Pipeline),
}

/// `a | b | c`, at least one element.
#[derive(Debug)]
pub(crate) struct Pipeline {
    pub(crate) elements: Vec<Element>,
    /// Whether the output goes to `$null`.
    pub(crate) discarded: bool,
}

#[derive(Debug)]
pub(crate) enum Element {
    Expr(Expr),
    Command(Command),
}

/// A command and its arguments.
#[derive(Debug)]
pub(crate) struct Command {
    /// As written, with ASCII dashes.
    pub(crate) name: String,
    pub(crate) name_span: Span,
    pub(crate) arguments: Vec<Argument>,
}

#[derive(Debug)]
pub(crate) enum Argument {
    /// `-Name`, or `-Name:value`.
    Named {
        /// Without the dash.
        name: String,
        span: Span,
        value: Option<Expr>,
    },
    Value(Expr),
    /// `@name`; lower case.
    Splat {
        name: String,
        span: Span,
    },
}

#[derive(Debug)]
pub(crate) struct Expr {
    pub(crate) span: Span,
    pub(crate) kind: ExprKind,
}

#[derive(Debug)]
pub(crate) enum ExprKind {
    /// A whole number. A bare one in an argument keeps how it was written, as in PowerShell:
    /// `-MACAddress 001122334455` is a MAC.
    Number {
        value: i64,
        text: Option<String>,
    },
    /// A string: literal parts and what is put in between.
    Text(Vec<Piece>),
    Variable(Variable),
    /// `left.name`
    Property {
        of: Box<Expr>,
        name: String,
        name_span: Span,
    },
    /// `left[index]`
    Index {
        of: Box<Expr>,
        index: Box<Expr>,
    },
    /// `a, b`
    Array(Vec<Expr>),
    /// `a + b + c`, at least two terms.
    Sum(Vec<Expr>),
    /// `a -eq b`
    Compare {
        left: Box<Expr>,
        operator: Comparison,
        right: Box<Expr>,
    },
    /// `(...)`
    Group(Box<Pipeline>),
    /// `$(...)` and, with `array`, `@(...)`.
    Statements {
        statements: Vec<Statement>,
        array: bool,
    },
    /// `@{ Name = value }`
    Table(Vec<(String, Span, Expr)>),
    /// `{ ... }`
    Block(Rc<Block>),
    /// `[string]value`
    Cast(Cast, Box<Expr>),
}

#[derive(Debug)]
pub(crate) enum Piece {
    Literal(String),
    Expr(Expr),
}

#[derive(Debug)]
pub(crate) enum Variable {
    True,
    False,
    Null,
    /// `$_`
    Current,
    /// `$env:COMPUTERNAME`
    ComputerName,
    /// Lower case.
    Named(String),
    /// `$using:name`, lower case.
    Using(String),
}

/// Casts that are understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    Text,
    Number,
}

/// Comparison operators that are understood; all of them ignore case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Like,
    NotLike,
}

impl Comparison {
    /// From the word behind the dash.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name.to_ascii_lowercase().as_str() {
            "eq" | "ieq" => Self::Equal,
            "ne" | "ine" => Self::NotEqual,
            "like" | "ilike" => Self::Like,
            "notlike" | "inotlike" => Self::NotLike,
            _ => return None,
        })
    }
}
