//! A script as a tree. Every node knows which bytes of the source it came from, and its texts are
//! the source's own wherever nothing had to be resolved in them.

use std::borrow::Cow;
use std::ops::Range;
use std::rc::Rc;

use smallvec::SmallVec;

/// Bytes of the source's text.
pub(crate) type Span = Range<usize>;

/// A script, or what stands between braces.
#[derive(Debug)]
pub(crate) struct Block<'s> {
    pub(crate) parameters: Vec<BlockParameter<'s>>,
    pub(crate) statements: Vec<Statement<'s>>,
}

/// One of `Param(...)`.
#[derive(Debug)]
pub(crate) struct BlockParameter<'s> {
    /// Lower case.
    pub(crate) name: Cow<'s, str>,
    pub(crate) cast: Option<Cast>,
    pub(crate) default: Option<Expr<'s>>,
}

#[derive(Debug)]
pub(crate) enum Statement<'s> {
    Assign {
        /// Lower case.
        name: Cow<'s, str>,
        cast: Option<Cast>,
        value: Pipeline<'s>,
    },
    Pipeline(Pipeline<'s>),
}

/// `a | b | c`, at least one element.
#[derive(Debug)]
pub(crate) struct Pipeline<'s> {
    pub(crate) elements: SmallVec<[Element<'s>; 1]>,
    /// Whether the output goes to `$null`.
    pub(crate) discarded: bool,
}

#[derive(Debug)]
pub(crate) enum Element<'s> {
    Expr(Expr<'s>),
    Command(Command<'s>),
}

/// A command and its arguments.
#[derive(Debug)]
pub(crate) struct Command<'s> {
    /// As written, with ASCII dashes.
    pub(crate) name: Cow<'s, str>,
    pub(crate) name_span: Span,
    pub(crate) arguments: Vec<Argument<'s>>,
}

#[derive(Debug)]
pub(crate) enum Argument<'s> {
    /// `-Name`, or `-Name:value`.
    Named {
        /// Without the dash.
        name: &'s str,
        span: Span,
        value: Option<Box<Expr<'s>>>,
    },
    Value(Expr<'s>),
    /// `@name`; lower case.
    Splat {
        name: Cow<'s, str>,
        span: Span,
    },
}

#[derive(Debug)]
pub(crate) struct Expr<'s> {
    pub(crate) span: Span,
    pub(crate) kind: ExprKind<'s>,
}

#[derive(Debug)]
pub(crate) enum ExprKind<'s> {
    /// A whole number. A bare one in an argument keeps how it was written, as in PowerShell:
    /// `-MACAddress 001122334455` is a MAC.
    Number {
        value: i64,
        text: Option<Cow<'s, str>>,
    },
    /// A string, or a bare word.
    Literal(Cow<'s, str>),
    /// A string with something put in between.
    Text(Vec<Piece<'s>>),
    Variable(Variable<'s>),
    /// `left.name`
    Property {
        of: Box<Expr<'s>>,
        name: Span,
    },
    /// `left[index]`
    Index {
        of: Box<Expr<'s>>,
        index: Box<Expr<'s>>,
    },
    /// `a, b`
    Array(Vec<Expr<'s>>),
    /// `a + b + c`, at least two terms.
    Sum(Vec<Expr<'s>>),
    /// `a -eq b`
    Compare {
        left: Box<Expr<'s>>,
        operator: Comparison,
        right: Box<Expr<'s>>,
    },
    /// `(...)`
    Group(Box<Pipeline<'s>>),
    /// `$(...)` and, with `array`, `@(...)`.
    Statements {
        statements: Vec<Statement<'s>>,
        array: bool,
    },
    /// `@{ Name = value }`
    Table(Vec<(Cow<'s, str>, Span, Expr<'s>)>),
    /// `{ ... }`
    Block(Rc<Block<'s>>),
    /// `[string]value`
    Cast(Cast, Box<Expr<'s>>),
}

#[derive(Debug)]
pub(crate) enum Piece<'s> {
    Literal(Cow<'s, str>),
    Expr(Expr<'s>),
}

#[derive(Debug)]
pub(crate) enum Variable<'s> {
    True,
    False,
    Null,
    /// `$_`
    Current,
    /// `$env:COMPUTERNAME`
    ComputerName,
    /// Lower case.
    Named(Cow<'s, str>),
    /// `$using:name`, lower case.
    Using(Cow<'s, str>),
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

// Moved at every step of the parser: an expression is a span and the largest kind, a number.
const _: () = assert!(size_of::<Argument<'_>>() <= 16 + 40);
