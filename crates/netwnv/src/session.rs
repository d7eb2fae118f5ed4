//! New-PSSession, Remove-PSSession and Invoke-Command: blocks that run on another host.

use std::rc::Rc;

use crate::call::Call;
use crate::cmdlet::{Cmdlet, Parameter};
use crate::kind::Kind;
use crate::machine::{Context, Machine, Outcome, Variables};
use crate::object::Object;
use crate::value::{Text, Value};

const NO_CREDENTIAL: Kind = Kind::Refused("credentials are not modelled; leave it out");

static INVOKE: &[Parameter] = &[
    Parameter::new("Session", Kind::Objects).many().at(0),
    Parameter::new("ComputerName", Kind::Any)
        .many()
        .at(1)
        .aliases(&["Cn"]),
    Parameter::new("ScriptBlock", Kind::Block)
        .required()
        .at(2)
        .aliases(&["Command"]),
    Parameter::new("ArgumentList", Kind::Any)
        .many()
        .aliases(&["Args"]),
    Parameter::new("Credential", NO_CREDENTIAL),
    Parameter::new(
        "AsJob",
        Kind::Refused("jobs are not modelled; leave it out"),
    ),
];

static NEW: &[Parameter] = &[
    Parameter::new("ComputerName", Kind::Any)
        .many()
        .required()
        .at(0)
        .aliases(&["Cn"]),
    Parameter::new("Name", Kind::Text),
    Parameter::new("Credential", NO_CREDENTIAL),
];

static REMOVE: &[Parameter] = &[Parameter::new("Session", Kind::Objects)
    .many()
    .required()
    .at(0)
    .aliases(&["CimSession"])];

pub(crate) static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "Invoke-Command",
        aliases: &["icm"],
        parameters: INVOKE,
        takes_input: false,
        remote: false,
        run: invoke,
    },
    Cmdlet {
        name: "New-PSSession",
        aliases: &["nsn"],
        parameters: NEW,
        takes_input: false,
        remote: false,
        run: new_session,
    },
    Cmdlet {
        name: "New-CimSession",
        aliases: &["ncms"],
        parameters: NEW,
        takes_input: false,
        remote: false,
        run: new_session,
    },
    Cmdlet {
        name: "Remove-PSSession",
        aliases: &["rsn"],
        parameters: REMOVE,
        takes_input: true,
        remote: false,
        run: |_, _, _| Ok(Vec::new()),
    },
    Cmdlet {
        name: "Remove-CimSession",
        aliases: &["rcms"],
        parameters: REMOVE,
        takes_input: true,
        remote: false,
        run: |_, _, _| Ok(Vec::new()),
    },
];

fn new_session<'s>(
    machine: &mut Machine<'s>,
    context: &mut Context<'s>,
    call: &Call<'s>,
) -> Outcome<'s> {
    let mut output = Vec::new();
    for name in call
        .value("ComputerName")
        .map(Value::items)
        .unwrap_or_default()
    {
        let host = machine.host_named(context, name, &call.span_of("ComputerName"))?;
        let session = machine.sessions.len();
        machine.sessions.push(Rc::new(Variables::new()));
        output.push(Value::Object(Object::Session { host, session }));
    }
    Ok(output)
}

fn invoke<'s>(
    machine: &mut Machine<'s>,
    context: &mut Context<'s>,
    call: &Call<'s>,
) -> Outcome<'s> {
    let Some(Value::Block(block)) = call.value("ScriptBlock") else {
        let text = format!("{}: -ScriptBlock is missing", call.cmdlet.name);
        return Err(machine.fail(&call.span, text));
    };
    let arguments = call
        .value("ArgumentList")
        .map(Value::items)
        .unwrap_or_default();
    let mut targets = Vec::new();
    for name in ["Session", "ComputerName"] {
        for value in call.value(name).map(Value::items).unwrap_or_default() {
            let host = machine.host_named(context, value, &call.span_of(name))?;
            let session = match value {
                Value::Object(Object::Session { session, .. }) => Some(*session),
                _ => None,
            };
            targets.push((host, session));
        }
    }
    if targets.is_empty() {
        if call.has("Session") || call.has("ComputerName") {
            return Err(machine.fail(&call.span, "Invoke-Command is given no host"));
        }
        let mut inner = Context {
            host: context.host,
            variables: Rc::clone(&context.variables),
            current: None,
            caller: context.caller.clone(),
        };
        return machine.block(&mut inner, block, arguments, &call.span);
    }
    let mut output = Vec::new();
    for (host, session) in targets {
        let variables = session
            .and_then(|session| machine.sessions.get(session))
            .cloned();
        let mut inner = Context {
            host,
            variables: variables.unwrap_or_default(),
            current: None,
            caller: Some(Rc::clone(&context.variables)),
        };
        let values = machine.block(&mut inner, block, arguments, &call.span);
        if let Some(kept) = session.and_then(|session| machine.sessions.get_mut(session)) {
            *kept = inner.variables;
        }
        output.extend(values?.into_iter().map(|value| copied(machine, value)));
    }
    Ok(output)
}

/// What comes back from another host is a copy: it has the properties, and no link.
fn copied<'s>(machine: &Machine<'s>, value: Value<'s>) -> Value<'s> {
    match value {
        Value::Object(object) => {
            let properties = object.properties(&machine.estate).into_iter();
            Value::Table(
                properties
                    .map(|(name, value)| (Text::Borrowed(name), value))
                    .collect(),
            )
        }
        other => other,
    }
}
