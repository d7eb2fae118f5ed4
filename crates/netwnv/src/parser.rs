//! Blocks and statements. `pipeline.rs` goes on with pipelines and commands, `expression.rs` with values.

use std::borrow::Cow;

use crate::ast::{Block, BlockParameter, Cast, Span, Statement};
use crate::char_set::{GAP, is_line_end};
use crate::error::ScriptError;
use crate::lexer::{BlankError, Cursor, lower_case, type_name};
use crate::lines::Lines;
use crate::source::Source;

/// Boxed, because there is at most one in a run and a result at every step.
pub(crate) type Parsed<T> = Result<T, Box<ScriptError>>;

/// How deep parentheses, braces and strings may be inside each other.
const DEPTH_MAX: usize = 64;

pub(crate) struct Parser<'s> {
    pub(crate) cursor: Cursor<'s>,
    lines: &'s Lines<'s>,
    depth: usize,
}

impl<'s> Parser<'s> {
    pub(crate) fn new(source: &'s Source, lines: &'s Lines<'s>) -> Self {
        Self {
            cursor: Cursor::new(&source.text),
            lines,
            depth: 0,
        }
    }

    pub(crate) fn error(&self, span: Span, message: impl Into<String>) -> Box<ScriptError> {
        Box::new(ScriptError {
            place: self.lines.place(span.start),
            span,
            message: message.into(),
            help: None,
        })
    }

    pub(crate) fn error_with_help(
        &self,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Box<ScriptError> {
        let mut error = self.error(span, message);
        error.help = Some(help.into());
        error
    }

    /// The next character's bytes; empty at the end.
    pub(crate) fn here(&self) -> Span {
        let start = self.cursor.offset();
        start..start + self.cursor.peek().map_or(0, char::len_utf8)
    }

    pub(crate) fn since(&self, start: usize) -> Span {
        start..self.cursor.offset()
    }

    pub(crate) fn found(&self) -> String {
        match self.cursor.peek() {
            None => "the end of the script".to_owned(),
            Some(c) if is_line_end(c) => "the end of the line".to_owned(),
            Some(c) => format!("'{c}'"),
        }
    }

    pub(crate) fn blanks(&mut self) -> Parsed<()> {
        self.skip(false)
    }

    pub(crate) fn blanks_and_lines(&mut self) -> Parsed<()> {
        self.skip(true)
    }

    fn skip(&mut self, lines: bool) -> Parsed<()> {
        // Asked between any two words, and again where one has been read.
        if !self.cursor.peek().is_some_and(|c| GAP.has(c)) {
            return Ok(());
        }
        self.cursor.skip_blanks(lines).map_err(|error| match error {
            BlankError::OpenComment(span) => {
                self.error(span, "the comment that starts here has no end")
            }
            BlankError::BacktickBeforeBlank(span) => self.error_with_help(
                span,
                "blanks behind the backtick",
                "a backtick continues a line only as its last character",
            ),
        })
    }

    /// Runs `inner` one level deeper. The limit keeps hostile text from exhausting the stack.
    pub(crate) fn nested<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == DEPTH_MAX {
            return Err(self.error(self.here(), format!("nested more than {DEPTH_MAX} deep")));
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    /// Takes a closing bracket, or says which opening one misses it.
    pub(crate) fn close(&mut self, bracket: char, open: Span) -> Parsed<()> {
        if self.cursor.eat(bracket) {
            return Ok(());
        }
        if self.cursor.peek().is_none() {
            return Err(self.error(open, format!("no '{bracket}' closes this")));
        }
        let text = format!("'{bracket}' was expected here, not {}", self.found());
        Err(self.error(self.here(), text))
    }

    /// Parameters and statements up to the end of the text or the closing brace.
    pub(crate) fn block_body(&mut self, closing: Option<char>) -> Parsed<Block<'s>> {
        Ok(Block {
            parameters: self.parameters()?,
            statements: self.statements(closing)?,
        })
    }

    /// `Param(...)` at the start of a script or block, if it is there.
    pub(crate) fn parameters(&mut self) -> Parsed<Vec<BlockParameter<'s>>> {
        self.blanks_and_lines()?;
        let start = self.cursor.offset();
        let is_param = self
            .cursor
            .identifier()
            .is_some_and(|name| name.eq_ignore_ascii_case("param"));
        self.blanks_and_lines()?;
        let open = self.here();
        if !is_param || !self.cursor.eat('(') {
            self.cursor.move_to(start);
            return Ok(Vec::new());
        }
        let mut parameters = Vec::new();
        self.blanks_and_lines()?;
        while self.cursor.peek() != Some(')') {
            let cast = self.cast()?;
            self.blanks_and_lines()?;
            let name = self.plain_variable("a parameter of the block")?;
            self.blanks_and_lines()?;
            let mut default = None;
            if self.cursor.eat('=') {
                self.blanks_and_lines()?;
                // A comma ends the default, as it does in PowerShell.
                default = Some(self.nested(Self::operand)?);
                self.blanks_and_lines()?;
            }
            parameters.push(BlockParameter {
                name,
                cast,
                default,
            });
            if !self.cursor.eat(',') {
                break;
            }
            self.blanks_and_lines()?;
        }
        self.close(')', open)?;
        Ok(parameters)
    }

    /// `$name`, lower case.
    fn plain_variable(&mut self, what: &str) -> Parsed<Cow<'s, str>> {
        if !self.cursor.eat('$') {
            let text = format!("{what} was expected here, not {}", self.found());
            return Err(self.error(self.here(), text));
        }
        match self.cursor.identifier() {
            Some(name) => Ok(lower_case(name)),
            None => Err(self.error(self.here(), "a variable's name was expected here")),
        }
    }

    /// `[string]` and the like, if there is one.
    pub(crate) fn cast(&mut self) -> Parsed<Option<Cast>> {
        if self.cursor.peek() != Some('[') {
            return Ok(None);
        }
        let start = self.cursor.offset();
        let Some(name) = self.cursor.take(type_name) else {
            return Err(self.error(self.here(), "this use of '[' is not understood"));
        };
        let span = self.since(start);
        let static_member = self.cursor.rest().starts_with("::");
        match name.to_ascii_lowercase().as_str() {
            "guid" | "system.guid" => Err(self.error_with_help(
                span,
                "[guid] is not understood: a new GUID would differ from run to run",
                "write the GUID as a text, \"{7f3c0c44-5d5e-4c0a-9a5e-000000445566}\"",
            )),
            _ if static_member => Err(self.error(
                span,
                format!("static members, as of [{name}], are not understood"),
            )),
            "string" | "system.string" => Ok(Some(Cast::Text)),
            "int" | "int32" | "uint32" | "int64" | "uint64" | "long" | "uint16" | "byte" => {
                Ok(Some(Cast::Number))
            }
            _ => Err(self.error(span, format!("the type [{name}] is not understood"))),
        }
    }

    /// Statements up to the end of the text or the closing bracket, which is left.
    pub(crate) fn statements(&mut self, closing: Option<char>) -> Parsed<Vec<Statement<'s>>> {
        let mut statements = Vec::new();
        while let Some(statement) = self.next_statement(closing)? {
            statements.push(statement);
        }
        Ok(statements)
    }

    /// The next statement, if one is there before the end of the text or the closing bracket, which
    /// is left.
    pub(crate) fn next_statement(
        &mut self,
        closing: Option<char>,
    ) -> Parsed<Option<Statement<'s>>> {
        loop {
            self.blanks_and_lines()?;
            match self.cursor.peek() {
                Some(';') => {
                    self.cursor.next();
                }
                None => return Ok(None),
                next if next == closing => return Ok(None),
                Some(_) => break,
            }
        }
        let statement = self.nested(Self::statement)?;
        self.blanks()?;
        let next = self.cursor.peek();
        let ends = next.is_none_or(|c| c == ';' || is_line_end(c)) || next == closing;
        if !ends {
            let text = format!("{} is not understood here", self.found());
            return Err(self.error(self.here(), text));
        }
        Ok(Some(statement))
    }

    fn statement(&mut self) -> Parsed<Statement<'s>> {
        let start = self.cursor.offset();
        let assigned = match self.cursor.peek() {
            Some('$') => self.assigned(None)?,
            Some('[') => {
                let cast = self.cast()?;
                self.blanks()?;
                self.assigned(cast)?
            }
            _ => None,
        };
        let Some((name, cast)) = assigned else {
            self.cursor.move_to(start);
            return Ok(Statement::Pipeline(self.pipeline()?));
        };
        self.blanks_and_lines()?;
        Ok(Statement::Assign {
            name,
            cast,
            value: self.pipeline()?,
        })
    }

    /// `$name =`, or `None` (with the cursor anywhere) where this is no assignment.
    fn assigned(&mut self, cast: Option<Cast>) -> Parsed<Option<(Cow<'s, str>, Option<Cast>)>> {
        let start = self.cursor.offset();
        if !self.cursor.eat('$') {
            return Ok(None);
        }
        let braced = self.cursor.eat('{');
        let Some(name) = self.cursor.identifier() else {
            return Ok(None);
        };
        if braced && !self.cursor.eat('}') {
            return Ok(None);
        }
        // A property or element on the left side belongs to the refusal below.
        let plain = self.since(start);
        self.cursor
            .take_while(|c| c.is_alphanumeric() || matches!(c, '.' | ':' | '_' | '[' | ']'));
        let target = self.since(start);
        self.blanks()?;
        let operator = self.cursor.offset();
        if matches!(self.cursor.peek(), Some('+' | '-' | '*' | '/' | '%'))
            && self.cursor.peek_second() == Some('=')
        {
            self.cursor.next();
            self.cursor.next();
            return Err(self.error_with_help(
                self.since(operator),
                format!(
                    "{} is not understood",
                    &self.cursor.text()[self.since(operator)]
                ),
                "write $name = ...",
            ));
        }
        if !self.cursor.eat('=') {
            return Ok(None);
        }
        if target != plain {
            return Err(self.error(target, "only a plain variable can be assigned to"));
        }
        let name = lower_case(name);
        if matches!(&*name, "true" | "false" | "_") {
            return Err(self.error(target, "this variable cannot be assigned to"));
        }
        Ok(Some((name, cast)))
    }
}
