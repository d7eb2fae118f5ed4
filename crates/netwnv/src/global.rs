//! Get- and Set-NetVirtualizationGlobal.

use crate::call::Call;
use crate::cmdlet::{Cmdlet, Parameter};
use crate::kind::Kind;
use crate::lookup_record::INPUT_OBJECT;
use crate::machine::{Context, Machine, Outcome};
use crate::object::Object;
use crate::value::Value;

pub(crate) static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "Get-NetVirtualizationGlobal",
        aliases: &[],
        parameters: &[],
        takes_input: false,
        remote: true,
        run: |machine, _, call| Ok(vec![global(machine, call.host)]),
    },
    Cmdlet {
        name: "Set-NetVirtualizationGlobal",
        aliases: &[],
        parameters: &[
            Parameter::new("UseExternalRouter", Kind::Bool).at(0),
            INPUT_OBJECT,
        ],
        takes_input: true,
        remote: true,
        run: set,
    },
];

fn global<'s>(machine: &Machine<'s>, host: usize) -> Value<'s> {
    Value::Object(Object::Global {
        host,
        use_external_router: machine.host(host).use_external_router,
    })
}

fn set<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    let given = call
        .input
        .as_deref()
        .or_else(|| call.value("InputObject").map(Value::items));
    let mut hosts = Vec::new();
    for value in given.into_iter().flatten() {
        let Value::Object(Object::Global { host, .. }) = value else {
            let text = format!("{} does not work on {}", call.cmdlet.name, value.describe());
            return Err(machine.fail(&call.span, text));
        };
        hosts.push(*host);
    }
    if given.is_none() {
        hosts.push(call.host);
    }
    let mut output = Vec::new();
    for host in hosts {
        if let Some(on) = call.is_on("UseExternalRouter") {
            machine.host_mut(host, |_, _| {}).use_external_router = on;
        }
        if call.is_on("PassThru") == Some(true) {
            output.push(global(machine, host));
        }
    }
    Ok(output)
}
