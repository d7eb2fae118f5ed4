//! A command with its arguments bound to its parameters.

use std::str::FromStr;

use crate::ast::{Argument, Command, Span};
use crate::cmdlet::{Cmdlet, Parameter, listed};
use crate::kind::Kind;
use crate::machine::{Context, Failed, Machine};
use crate::object::Properties;
use crate::source::Place;
use crate::value::Value;
use crate::wildcard::{has_wildcard, is_like};

/// What a command is run with.
pub(crate) struct Call {
    pub(crate) cmdlet: &'static Cmdlet,
    /// The command's name in the source.
    pub(crate) span: Span,
    pub(crate) place: Place,
    /// The host it is run on, counted into the estate.
    pub(crate) host: usize,
    /// What came down the pipeline; `None` at its start.
    pub(crate) input: Option<Vec<Value>>,
    arguments: Vec<Bound>,
}

struct Bound {
    parameter: &'static Parameter,
    span: Span,
    value: Value,
    /// The canonical text of each of its items, but for blocks, objects and `Any`.
    texts: Vec<String>,
}

impl Call {
    fn bound(&self, name: &str) -> Option<&Bound> {
        self.arguments
            .iter()
            .find(|bound| bound.parameter.name == name)
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.bound(name).is_some()
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.bound(name).map(|bound| &bound.value)
    }

    /// Where a parameter's value stands; the command itself if it was not given.
    pub(crate) fn span_of(&self, name: &str) -> Span {
        self.bound(name)
            .map_or(self.span.clone(), |bound| bound.span.clone())
    }

    /// The text of a parameter with one value.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.bound(name)?.texts.first().map(String::as_str)
    }

    /// The texts of a parameter with many values.
    pub(crate) fn texts(&self, name: &str) -> Option<&[String]> {
        self.bound(name).map(|bound| &bound.texts[..])
    }

    /// A parameter's value as a type.
    pub(crate) fn get<T: FromStr>(&self, name: &str) -> Option<T> {
        // Canonical texts of a parameter's kind parse as its type, so this loses nothing.
        self.text(name)?.parse().ok()
    }

    /// A parameter that the command cannot do without, as a type.
    ///
    /// Panics only where a cmdlet's table does not say `required`, or gives the wrong kind: binding
    /// has refused the call otherwise.
    pub(crate) fn required<T: FromStr>(&self, name: &str) -> T {
        self.get(name)
            .expect("binding has checked that the parameter is there and of its kind")
    }

    /// Whether a boolean or switch is on.
    pub(crate) fn is_on(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| text == "True")
    }

    /// Whether `-ErrorAction` says not to tell what is not found.
    pub(crate) fn is_silent(&self) -> bool {
        self.text("ErrorAction").is_some_and(|action| {
            action.eq_ignore_ascii_case("SilentlyContinue") || action.eq_ignore_ascii_case("Ignore")
        })
    }

    /// The name of a filter, if any was given.
    pub(crate) fn first_filter(&self) -> Option<&'static str> {
        let filter = self.arguments.iter().find(|bound| bound.parameter.filter);
        filter.map(|bound| bound.parameter.name)
    }

    /// Whether any filter was given.
    pub(crate) fn has_filter(&self) -> bool {
        self.first_filter().is_some()
    }

    /// Whether every filter is exact, so that finding nothing is worth telling.
    pub(crate) fn is_exact(&self) -> bool {
        let filters = self.arguments.iter().filter(|bound| bound.parameter.filter);
        filters
            .into_iter()
            .all(|bound| !bound.texts.iter().any(|text| has_wildcard(text)))
    }

    /// Whether an object with these properties passes all filters.
    pub(crate) fn matches(&self, properties: &Properties) -> bool {
        self.arguments
            .iter()
            .filter(|bound| bound.parameter.filter)
            .all(|bound| {
                let name = bound.parameter.name;
                let actual = properties
                    .iter()
                    .find(|(property, _)| property.eq_ignore_ascii_case(name))
                    .and_then(|(_, value)| value.to_text())
                    .unwrap_or_default();
                bound.texts.iter().any(|text| {
                    if bound.parameter.kind.is_string() {
                        is_like(&actual, text)
                    } else {
                        actual == *text
                    }
                })
            })
    }
}

/// An argument whose parameter is not settled yet.
struct Given {
    span: Span,
    value: Value,
}

/// Binds the arguments of a command, evaluating them in their order.
pub(crate) fn bind(
    machine: &mut Machine<'_>,
    context: &mut Context,
    cmdlet: &'static Cmdlet,
    command: &Command,
    input: Option<Vec<Value>>,
) -> Result<Call, Failed> {
    let mut call = Call {
        cmdlet,
        span: command.name_span.clone(),
        place: machine.place(&command.name_span),
        host: context.host,
        input,
        arguments: Vec::new(),
    };
    let mut positional = Vec::new();
    let mut arguments = command.arguments.iter().peekable();
    while let Some(argument) = arguments.next() {
        match argument {
            Argument::Value(expr) => positional.push(Given {
                span: expr.span.clone(),
                value: machine.expr(context, expr)?,
            }),
            Argument::Named { name, span, value } => {
                let parameter = named(machine, cmdlet, name, span)?;
                let given = if let Some(expr) = value {
                    Given {
                        span: expr.span.clone(),
                        value: machine.expr(context, expr)?,
                    }
                } else if parameter.kind == Kind::Switch {
                    Given {
                        span: span.clone(),
                        value: Value::Bool(true),
                    }
                } else if let Some(Argument::Value(expr)) =
                    arguments.next_if(|next| matches!(next, Argument::Value(_)))
                {
                    Given {
                        span: expr.span.clone(),
                        value: machine.expr(context, expr)?,
                    }
                } else {
                    return Err(machine.fail(span, format!("-{} has no value", parameter.name)));
                };
                add(machine, &mut call, parameter, given)?;
            }
            Argument::Splat { name, span } => match machine.variable(context, name, span)? {
                Value::Table(entries) => {
                    for (name, value) in entries.iter() {
                        let parameter = named(machine, cmdlet, name, span)?;
                        let given = Given {
                            span: span.clone(),
                            value: value.clone(),
                        };
                        add(machine, &mut call, parameter, given)?;
                    }
                }
                Value::Array(items) => positional.extend(items.iter().map(|value| Given {
                    span: span.clone(),
                    value: value.clone(),
                })),
                other => {
                    let text = format!("@{name} wants a hashtable, not {}", other.describe());
                    return Err(machine.fail(span, text));
                }
            },
        }
    }
    for given in positional {
        let free = cmdlet
            .parameters()
            .filter(|p| p.position.is_some() && !call.has(p.name))
            .filter(|p| p.kind.takes_position(&given.value))
            .min_by_key(|p| p.position);
        let Some(parameter) = free else {
            return Err(machine.fail_with_help(
                &given.span,
                format!("{} has no place for this value", cmdlet.name),
                "put the parameter's name before it".to_owned(),
            ));
        };
        add(machine, &mut call, parameter, given)?;
    }
    if call.input.is_some() && !cmdlet.takes_input {
        let text = format!("{} takes nothing from the pipeline", cmdlet.name);
        return Err(machine.fail(&call.span, text));
    }
    let missing: Vec<_> = cmdlet
        .parameters()
        .filter(|p| p.required && call.input.is_none() && !call.has(p.name))
        .map(|p| format!("-{}", p.name))
        .collect();
    if !missing.is_empty() {
        let verb = if missing.len() == 1 { "is" } else { "are" };
        let text = format!(
            "{}: {} {verb} missing",
            cmdlet.name,
            listed(&missing, "and")
        );
        return Err(machine.fail(&call.span, text));
    }
    Ok(call)
}

fn named(
    machine: &mut Machine<'_>,
    cmdlet: &Cmdlet,
    name: &str,
    span: &Span,
) -> Result<&'static Parameter, Failed> {
    let parameter = cmdlet
        .parameter(name)
        .map_err(|(message, help)| machine.fail_with(span, message, help))?;
    if let Kind::Refused(reason) = parameter.kind {
        return Err(machine.fail(span, format!("-{}: {reason}", parameter.name)));
    }
    Ok(parameter)
}

fn add(
    machine: &mut Machine<'_>,
    call: &mut Call,
    parameter: &'static Parameter,
    given: Given,
) -> Result<(), Failed> {
    let Given { span, value } = given;
    let name = parameter.name;
    if call.has(name) {
        return Err(machine.fail(&span, format!("-{name} is given twice")));
    }
    let mut texts = Vec::new();
    match parameter.kind {
        Kind::Any => {}
        Kind::Block if matches!(value, Value::Block(_)) => {}
        Kind::Block => {
            let text = format!(
                "-{name}: this wants a script block {{ ... }}, not {}",
                value.describe()
            );
            return Err(machine.fail(&span, text));
        }
        Kind::Objects => {
            if let Some(other) = value
                .items()
                .iter()
                .find(|v| !matches!(v, Value::Object(_)))
            {
                let text = format!(
                    "-{name}: this wants what a Get- command returned, not {}",
                    other.describe()
                );
                return Err(machine.fail(&span, text));
            }
        }
        kind => {
            let items = match &value {
                Value::Array(items) if parameter.many => items.to_vec(),
                other => vec![other.clone()],
            };
            for item in items {
                texts.push(canonical(machine, parameter, kind, &item, &span)?);
            }
        }
    }
    call.arguments.push(Bound {
        parameter,
        span,
        value,
        texts,
    });
    Ok(())
}

fn canonical(
    machine: &mut Machine<'_>,
    parameter: &Parameter,
    kind: Kind,
    item: &Value,
    span: &Span,
) -> Result<String, Failed> {
    let name = parameter.name;
    if parameter.filter
        && kind.is_string()
        && let Some(text) = item.to_text()
    {
        if text.contains('[') {
            let text = format!("-{name}: the wildcard [ is not understood, * and ? are");
            return Err(machine.fail(span, text));
        }
        if has_wildcard(&text) {
            return Ok(text);
        }
    }
    kind.canonical(item)
        .map_err(|message| machine.fail(span, format!("-{name}: {message}")))
}
