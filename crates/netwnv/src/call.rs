//! A command with its arguments bound to its parameters.

use std::borrow::Cow;

use smallvec::SmallVec;

use crate::ast::{Argument, Command, Span};
use crate::canonical::{Canonical, FromCanonical};
use crate::cmdlet::{Cmdlet, Parameter, listed};
use crate::kind::Kind;
use crate::machine::{Context, Failed, Machine};
use crate::object::Properties;
use crate::source::Place;
use crate::value::Value;
use crate::wildcard::has_wildcard;

/// What a command is run with.
pub(crate) struct Call<'s> {
    pub(crate) cmdlet: &'static Cmdlet,
    /// The command's name in the source.
    pub(crate) span: Span,
    pub(crate) place: Place,
    /// The host it is run on, counted into the estate.
    pub(crate) host: usize,
    /// What came down the pipeline; `None` at its start.
    pub(crate) input: Option<Vec<Value<'s>>>,
    /// Whether anything takes what the command hands on.
    pub(crate) wanted: bool,
    arguments: Vec<Bound<'s>>,
}

struct Bound<'s> {
    parameter: &'static Parameter,
    span: Span,
    value: Value<'s>,
    /// Each of its items, but for blocks, objects and `Any`.
    items: SmallVec<[Canonical<'s>; 1]>,
}

impl<'s> Call<'s> {
    fn bound(&self, name: &str) -> Option<&Bound<'s>> {
        self.arguments
            .iter()
            .find(|bound| bound.parameter.name == name)
    }

    fn is_bound(&self, parameter: &'static Parameter) -> bool {
        self.arguments
            .iter()
            .any(|bound| std::ptr::eq(bound.parameter, parameter))
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.bound(name).is_some()
    }

    pub(crate) fn value(&self, name: &str) -> Option<&Value<'s>> {
        self.bound(name).map(|bound| &bound.value)
    }

    /// Where a parameter's value stands; the command itself if it was not given.
    pub(crate) fn span_of(&self, name: &str) -> Span {
        self.bound(name)
            .map_or(self.span.clone(), |bound| bound.span.clone())
    }

    /// The value of a parameter that takes a text or one of some names.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.bound(name)?.items.first()? {
            Canonical::Text(text) => Some(text),
            Canonical::Name(name) => Some(name),
            _ => None,
        }
    }

    /// The texts of a parameter with many values; none if it was not given.
    pub(crate) fn texts(&self, name: &str) -> Vec<Cow<'_, str>> {
        let items = self.bound(name).map_or(&[][..], |bound| &bound.items);
        items.iter().map(Canonical::text).collect()
    }

    /// A parameter's value as the type of its kind.
    pub(crate) fn get<T: FromCanonical>(&self, name: &str) -> Option<T> {
        T::from_canonical(self.bound(name)?.items.first()?)
    }

    /// A parameter that the command cannot do without, as a type.
    ///
    /// Panics only where a cmdlet's table does not say `required`, or gives the wrong kind: binding
    /// has refused the call otherwise.
    pub(crate) fn required<T: FromCanonical>(&self, name: &str) -> T {
        self.get(name)
            .expect("binding has checked that the parameter is there and of its kind")
    }

    /// Whether a boolean or switch is on.
    pub(crate) fn is_on(&self, name: &str) -> Option<bool> {
        self.get(name)
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
        self.filters()
            .all(|(_, values)| !values.iter().any(|value| has_wildcard(&value.text())))
    }

    /// The filters with their values; an object must have one of each.
    pub(crate) fn filters(&self) -> impl Iterator<Item = (&'static Parameter, &[Canonical<'s>])> {
        let filters = self.arguments.iter().filter(|bound| bound.parameter.filter);
        filters.map(|bound| (bound.parameter, &bound.items[..]))
    }

    /// The one value, without wildcards, that a filter asks for.
    pub(crate) fn filter<T: FromCanonical>(&self, name: &str) -> Option<T> {
        match &self
            .bound(name)
            .filter(|bound| bound.parameter.filter)?
            .items[..]
        {
            [value] => T::from_canonical(value),
            _ => None,
        }
    }

    /// The one name of a kind that a filter asks for.
    pub(crate) fn filter_name(&self, name: &str) -> Option<&'static str> {
        match &self
            .bound(name)
            .filter(|bound| bound.parameter.filter)?
            .items[..]
        {
            [Canonical::Name(name)] => Some(name),
            _ => None,
        }
    }

    /// Whether an object with these properties passes all filters.
    pub(crate) fn matches(&self, properties: &Properties<'_>) -> bool {
        self.filters().all(|(parameter, values)| {
            let actual = properties
                .iter()
                .find(|(property, _)| property.eq_ignore_ascii_case(parameter.name))
                .and_then(|(_, value)| value.as_text())
                .map(Canonical::Text);
            let wildcards = parameter.kind.is_string();
            let mut values = values.iter();
            values.any(|value| value.accepts(actual.as_ref(), wildcards))
        })
    }
}

/// An argument whose parameter is not settled yet.
struct Given<'s> {
    span: Span,
    value: Value<'s>,
}

/// Binds the arguments of a command, evaluating them in their order.
pub(crate) fn bind<'s>(
    machine: &mut Machine<'s>,
    context: &mut Context<'s>,
    cmdlet: &'static Cmdlet,
    command: &Command<'s>,
    input: Option<Vec<Value<'s>>>,
) -> Result<Call<'s>, Failed> {
    let mut call = Call {
        cmdlet,
        span: command.name_span.clone(),
        place: machine.place(&command.name_span),
        host: context.host,
        input,
        wanted: true,
        arguments: Vec::with_capacity(command.arguments.len()),
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
            .filter(|p| p.position.is_some() && !call.is_bound(p))
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
    // None of those that all commands take is required.
    let missing: Vec<_> = cmdlet
        .parameters
        .iter()
        .filter(|p| p.required && call.input.is_none() && !call.is_bound(p))
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

fn add<'s>(
    machine: &mut Machine<'s>,
    call: &mut Call<'s>,
    parameter: &'static Parameter,
    given: Given<'s>,
) -> Result<(), Failed> {
    let Given { span, value } = given;
    let name = parameter.name;
    if call.is_bound(parameter) {
        return Err(machine.fail(&span, format!("-{name} is given twice")));
    }
    let mut items = SmallVec::new();
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
            let values = match &value {
                Value::Array(values) if parameter.many => &values[..],
                other => std::slice::from_ref(other),
            };
            for value in values {
                items.push(canonical(machine, parameter, kind, value, &span)?);
            }
        }
    }
    call.arguments.push(Bound {
        parameter,
        span,
        value,
        items,
    });
    Ok(())
}

fn canonical<'s>(
    machine: &mut Machine<'s>,
    parameter: &Parameter,
    kind: Kind,
    value: &Value<'s>,
    span: &Span,
) -> Result<Canonical<'s>, Failed> {
    let name = parameter.name;
    if parameter.filter
        && kind.is_string()
        && let Some(text) = value.as_text()
    {
        if text.contains('[') {
            let text = format!("-{name}: the wildcard [ is not understood, * and ? are");
            return Err(machine.fail(span, text));
        }
        if has_wildcard(&text) {
            return Ok(Canonical::Text(text));
        }
    }
    kind.canonical(value)
        .map_err(|message| machine.fail(span, format!("-{name}: {message}")))
}
