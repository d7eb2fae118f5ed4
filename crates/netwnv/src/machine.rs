//! Evaluates the tree: variables, pipelines, blocks, commands.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::rc::Rc;

use smallvec::SmallVec;

use crate::ast::{Argument, Block, BlockParameter, Command, Element, Pipeline, Span, Statement};
use crate::call::{Call, bind};
use crate::cmdlet::{Cmdlet, Meaning, listed, meaning};
use crate::error::ScriptError;
use crate::estate::{Estate, Host};
use crate::invent::Inventor;
use crate::labels::LabelPool;
use crate::lines::Lines;
use crate::object::Object;
use crate::report::{RunReport, ScriptWarning};
use crate::row_keys::Keys;
use crate::source::Place;
use crate::undo::{HostBefore, Undo};
use crate::value::Value;

/// Something went wrong and is among the machine's errors already.
#[derive(Debug)]
pub(crate) struct Failed;

/// Objects and values that a command hands on.
pub(crate) type Outcome<'s> = Result<Vec<Value<'s>>, Failed>;

/// A variable: its value, or the news that the statement that should have set it failed, which is
/// said once and not again at each use.
#[derive(Clone, Debug)]
pub(crate) enum Variable<'s> {
    Value(Value<'s>),
    Failed,
}

/// By lower-case name.
pub(crate) type Variables<'s> = BTreeMap<Cow<'s, str>, Variable<'s>>;

/// Where a block runs.
pub(crate) struct Context<'s> {
    /// The host, counted into the estate.
    pub(crate) host: usize,
    /// Shared with the blocks that see them, until one of both sets one.
    pub(crate) variables: Rc<Variables<'s>>,
    /// `$_`
    pub(crate) current: Option<Value<'s>>,
    /// What `$using:` sees; only in remote blocks.
    pub(crate) caller: Option<Rc<Variables<'s>>>,
}

impl<'s> Context<'s> {
    /// At the start of a script or block that sees no variables.
    pub(crate) fn new(host: usize) -> Self {
        Self {
            host,
            variables: Rc::default(),
            current: None,
            caller: None,
        }
    }

    fn set(&mut self, name: Cow<'s, str>, variable: Variable<'s>) {
        Rc::make_mut(&mut self.variables).insert(name, variable);
    }
}

pub(crate) struct Machine<'s> {
    lines: &'s Lines<'s>,
    /// What the script works on.
    pub(crate) estate: Estate,
    undo: Undo,
    pub(crate) report: RunReport,
    pub(crate) errors: Vec<ScriptError>,
    /// The variables of each session, which outlive the blocks run in it.
    pub(crate) sessions: Vec<Rc<Variables<'s>>>,
    pub(crate) keys: Keys,
    pub(crate) labels: LabelPool,
    /// Makes up what a script names and the estate lacks; without it, that is an error.
    pub(crate) inventor: Option<Inventor>,
}

impl<'s> Machine<'s> {
    pub(crate) fn new(lines: &'s Lines<'s>, estate: Estate) -> Self {
        Self {
            lines,
            estate,
            undo: Undo::default(),
            report: RunReport::default(),
            errors: Vec::new(),
            sessions: Vec::new(),
            keys: Keys::default(),
            labels: LabelPool::default(),
            inventor: None,
        }
    }

    pub(crate) fn place(&self, span: &Span) -> Place {
        self.lines.place(span.start)
    }

    /// The script's text of a span.
    pub(crate) fn written(&self, span: &Span) -> &'s str {
        self.lines.text().get(span.clone()).unwrap_or_default()
    }

    pub(crate) fn fail(&mut self, span: &Span, message: impl Into<String>) -> Failed {
        self.fail_with(span, message.into(), None)
    }

    pub(crate) fn fail_with_help(&mut self, span: &Span, message: String, help: String) -> Failed {
        self.fail_with(span, message, Some(help))
    }

    pub(crate) fn fail_with(
        &mut self,
        span: &Span,
        message: String,
        help: Option<String>,
    ) -> Failed {
        let place = self.place(span);
        self.errors.push(ScriptError {
            place,
            span: span.clone(),
            message,
            help,
        });
        Failed
    }

    pub(crate) fn warn(&mut self, place: &Place, text: String) {
        self.report.warnings.push(ScriptWarning {
            place: place.clone(),
            text,
        });
    }

    pub(crate) fn host(&self, host: usize) -> &Host {
        &self.estate.hosts[host]
    }

    /// What the estate was before, with everything that the script did taken back.
    pub(crate) fn take_back(self) -> (Estate, Vec<ScriptError>) {
        let mut estate = self.estate;
        self.undo.restore(&mut estate);
        (estate, self.errors)
    }

    /// Changes a host; `keep` first keeps what it will be asked to take back.
    pub(crate) fn host_mut(
        &mut self,
        host: usize,
        keep: impl FnOnce(&mut HostBefore, &Host),
    ) -> &mut Host {
        let now = &mut self.estate.hosts[host];
        keep(self.undo.of(host, now), now);
        now
    }

    /// The host that a text or session names.
    pub(crate) fn host_named(
        &mut self,
        context: &Context<'s>,
        value: &Value<'s>,
        span: &Span,
    ) -> Result<usize, Failed> {
        if let Value::Object(Object::Session { host, .. }) = value {
            return Ok(*host);
        }
        let Some(name) = value.to_text().filter(|name| !name.is_empty()) else {
            let text = format!("this wants the name of a host, not {}", value.describe());
            return Err(self.fail(span, text));
        };
        if name == "." || name.eq_ignore_ascii_case("localhost") {
            return Ok(context.host);
        }
        let hosts = &self.estate.hosts;
        hosts
            .iter()
            .position(|host| host.name.eq_ignore_ascii_case(&name))
            .or_else(|| self.invent_host(&name, span))
            .ok_or_else(|| {
                let names: Vec<_> = self.estate.hosts.iter().map(|host| &host.name).collect();
                let known = listed(&names, "and");
                self.fail_with_help(
                    span,
                    format!("there is no host \"{name}\""),
                    format!("the hosts are {known}"),
                )
            })
    }

    /// Runs all statements, so that one mistake does not hide the next.
    pub(crate) fn statements(
        &mut self,
        context: &mut Context<'s>,
        statements: &[Statement<'s>],
    ) -> Outcome<'s> {
        let mut output = Vec::new();
        let mut failed = false;
        for statement in statements {
            match self.statement(context, statement, true) {
                Ok(values) => output.extend(values),
                Err(Failed) => failed = true,
            }
        }
        if failed { Err(Failed) } else { Ok(output) }
    }

    /// Runs one statement; with `wanted` something takes its output.
    pub(crate) fn statement(
        &mut self,
        context: &mut Context<'s>,
        statement: &Statement<'s>,
        wanted: bool,
    ) -> Outcome<'s> {
        match statement {
            Statement::Pipeline(pipeline) => self.pipeline(context, pipeline, wanted),
            Statement::Assign { name, cast, value } => {
                let span = self.span_of(value);
                let value = self
                    .pipeline(context, value, true)
                    .map(Value::from_output)
                    .and_then(|value| match cast {
                        Some(cast) => self.cast(*cast, value, &span),
                        None => Ok(value),
                    });
                let failed = value.is_err();
                let variable = value.map_or(Variable::Failed, Variable::Value);
                context.set(name.clone(), variable);
                if failed { Err(Failed) } else { Ok(Vec::new()) }
            }
        }
    }

    fn span_of(&self, pipeline: &Pipeline<'_>) -> Span {
        match &pipeline.elements[..] {
            [Element::Expr(expr), ..] => expr.span.clone(),
            [Element::Command(command), ..] => command.name_span.clone(),
            [] => 0..0,
        }
    }

    pub(crate) fn pipeline(
        &mut self,
        context: &mut Context<'s>,
        pipeline: &Pipeline<'s>,
        wanted: bool,
    ) -> Outcome<'s> {
        let wanted = wanted && !pipeline.discarded;
        let last = pipeline.elements.len().saturating_sub(1);
        self.invent_compared(context.host, pipeline);
        let mut output = None;
        for (at, element) in pipeline.elements.iter().enumerate() {
            output = Some(match element {
                Element::Expr(expr) => self.expr(context, expr)?.items().to_vec(),
                Element::Command(command) => {
                    self.command(context, command, output, wanted || at < last)?
                }
            });
        }
        Ok(output.filter(|_| wanted).unwrap_or_default())
    }

    /// Runs a block with these arguments. On another host it sees none of the caller's variables,
    /// and what it hands back are copies without a link to their host.
    pub(crate) fn block(
        &mut self,
        context: &mut Context<'s>,
        block: &Block<'s>,
        arguments: &[Value<'s>],
        span: &Span,
    ) -> Outcome<'s> {
        self.set_parameters(context, &block.parameters, arguments, span)?;
        self.statements(context, &block.statements)
    }

    /// Sets the variables of a block's Param().
    pub(crate) fn set_parameters(
        &mut self,
        context: &mut Context<'s>,
        parameters: &[BlockParameter<'s>],
        arguments: &[Value<'s>],
        span: &Span,
    ) -> Result<(), Failed> {
        if arguments.len() > parameters.len() {
            let text = format!(
                "the block's Param() takes {}, and {} are given",
                parameters.len(),
                arguments.len()
            );
            return Err(self.fail(span, text));
        }
        for (at, parameter) in parameters.iter().enumerate() {
            let value = match (arguments.get(at), &parameter.default) {
                (Some(value), _) => value.clone(),
                (None, Some(default)) => self.expr(context, default)?,
                (None, None) => {
                    let text = format!("no argument for the block's parameter ${}", parameter.name);
                    return Err(self.fail_with_help(
                        span,
                        text,
                        "give one value for each parameter with -ArgumentList".to_owned(),
                    ));
                }
            };
            let value = match parameter.cast {
                Some(cast) => self.cast(cast, value, span)?,
                None => value,
            };
            context.set(parameter.name.clone(), Variable::Value(value));
        }
        Ok(())
    }

    fn command(
        &mut self,
        context: &mut Context<'s>,
        command: &Command<'s>,
        input: Option<Vec<Value<'s>>>,
        wanted: bool,
    ) -> Outcome<'s> {
        match meaning(&command.name) {
            Meaning::Cmdlet(cmdlet) => {
                let mut call = bind(self, context, cmdlet, command, input)?;
                call.wanted = wanted;
                let mut output = Vec::new();
                for host in self.hosts_of(context, cmdlet, &call)? {
                    call.host = host;
                    output.extend((cmdlet.run)(self, context, &call)?);
                }
                Ok(output)
            }
            Meaning::DisplayOnly => {
                self.display_only(context, command)?;
                Ok(Vec::new())
            }
            Meaning::Unknown(help) => {
                let text = format!("the command {} is not understood", command.name);
                Err(self.fail_with(&command.name_span, text, help))
            }
        }
    }

    fn hosts_of(
        &mut self,
        context: &Context<'s>,
        cmdlet: &Cmdlet,
        call: &Call<'s>,
    ) -> Result<SmallVec<[usize; 1]>, Failed> {
        let mut hosts = SmallVec::new();
        if cmdlet.remote {
            for name in ["CimSession", "ComputerName"] {
                for value in call.value(name).map(Value::items).unwrap_or_default() {
                    hosts.push(self.host_named(context, value, &call.span_of(name))?);
                }
            }
        }
        if hosts.is_empty() {
            hosts.push(context.host);
        }
        Ok(hosts)
    }

    /// Its arguments may hold commands with an effect, so they are evaluated.
    fn display_only(
        &mut self,
        context: &mut Context<'s>,
        command: &Command<'s>,
    ) -> Result<(), Failed> {
        for argument in &command.arguments {
            match argument {
                Argument::Value(expr) => {
                    self.expr(context, expr)?;
                }
                Argument::Named {
                    value: Some(expr), ..
                } => {
                    self.expr(context, expr)?;
                }
                Argument::Named { value: None, .. } => {}
                Argument::Splat { name, span } => {
                    self.variable(context, name, span)?;
                }
            }
        }
        let listed = &self.report.display_only;
        if !listed
            .iter()
            .any(|(_, name)| name.eq_ignore_ascii_case(&command.name))
        {
            let place = self.place(&command.name_span);
            self.report
                .display_only
                .push((place, command.name.to_string()));
        }
        Ok(())
    }
}
