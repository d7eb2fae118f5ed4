//! Where-Object and Select-Object: which objects go on down the pipeline.

use crate::ast::{Comparison, Element, Statement};
use crate::call::Call;
use crate::cmdlet::{Cmdlet, Parameter};
use crate::kind::{Kind, UINT32};
use crate::machine::{Context, Machine, Outcome};
use crate::value::Value;

static WHERE: &[Parameter] = &[
    Parameter::new("FilterScript", Kind::Block).at(0),
    Parameter::new("Property", Kind::Text).at(1),
    Parameter::new("EQ", Kind::Any).aliases(&["IEQ"]),
    Parameter::new("NE", Kind::Any).aliases(&["INE"]),
    Parameter::new("Like", Kind::Any).aliases(&["ILike"]),
    Parameter::new("NotLike", Kind::Any).aliases(&["INotLike"]),
];

static SELECT: &[Parameter] = &[
    Parameter::new("Property", Kind::Any).many().at(0),
    Parameter::new("First", UINT32),
    Parameter::new("Last", UINT32),
    Parameter::new("ExpandProperty", Kind::Text),
];

pub(crate) static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "Where-Object",
        aliases: &["where", "?"],
        parameters: WHERE,
        takes_input: true,
        remote: false,
        run: where_object,
    },
    Cmdlet {
        name: "Select-Object",
        aliases: &["select"],
        parameters: SELECT,
        takes_input: true,
        remote: false,
        run: select_object,
    },
];

fn where_object<'s>(
    machine: &mut Machine<'s>,
    context: &mut Context<'s>,
    call: &Call<'s>,
) -> Outcome<'s> {
    let input = call.input.clone().unwrap_or_default();
    let mut output = Vec::new();
    if let Some(Value::Block(block)) = call.value("FilterScript") {
        let condition = match &block.statements[..] {
            [Statement::Pipeline(pipeline)] => match &pipeline.elements[..] {
                [Element::Expr(expr)] if block.parameters.is_empty() => Some(expr),
                _ => None,
            },
            _ => None,
        };
        let Some(condition) = condition else {
            return Err(machine.fail_with_help(
                &call.span_of("FilterScript"),
                "this condition is not understood".to_owned(),
                "one comparison is, as in { $_.VMName -like \"Red*\" }".to_owned(),
            ));
        };
        let outer = context.current.take();
        let mut result = Ok(());
        for value in input {
            context.current = Some(value.clone());
            match machine.expr(context, condition) {
                Ok(Value::Bool(true)) => output.push(value),
                Ok(Value::Bool(false)) => {}
                Ok(other) => {
                    let text = format!("a condition is $true or $false, not {}", other.describe());
                    result = Err(machine.fail(&condition.span, text));
                }
                Err(failed) => result = Err(failed),
            }
            if result.is_err() {
                break;
            }
        }
        context.current = outer;
        return result.map(|()| output);
    }
    let operators = [
        ("EQ", Comparison::Equal),
        ("NE", Comparison::NotEqual),
        ("Like", Comparison::Like),
        ("NotLike", Comparison::NotLike),
    ];
    let mut given = operators
        .into_iter()
        .filter_map(|(name, operator)| call.value(name).map(|value| (operator, value)));
    let (Some(property), Some((operator, wanted)), None) =
        (call.text("Property"), given.next(), given.next())
    else {
        return Err(machine.fail_with_help(
            &call.span,
            "this condition is not understood".to_owned(),
            "one comparison is, as in Where-Object VMName -like \"Red*\"".to_owned(),
        ));
    };
    let span = call.span_of("Property");
    for value in input {
        let actual = machine.property(&value, property, &span)?;
        if machine.compare(&actual, operator, wanted, &span)? {
            output.push(value);
        }
    }
    Ok(output)
}

/// Objects stay whole: `-Property` only says what a table would show, and later commands find what
/// they need.
fn select_object<'s>(
    machine: &mut Machine<'s>,
    _: &mut Context<'s>,
    call: &Call<'s>,
) -> Outcome<'s> {
    let mut output = call.input.clone().unwrap_or_default();
    if let Some(count) = call.get::<usize>("First") {
        output.truncate(count);
    }
    if let Some(count) = call.get::<usize>("Last") {
        output.drain(..output.len().saturating_sub(count));
    }
    if let Some(name) = call.text("ExpandProperty") {
        let mut expanded = Vec::with_capacity(output.len());
        for value in output {
            let property = machine.property(&value, name, &call.span_of("ExpandProperty"))?;
            expanded.extend_from_slice(property.items());
        }
        return Ok(expanded);
    }
    Ok(output)
}
