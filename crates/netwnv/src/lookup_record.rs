//! New-, Get-, Set- and Remove-NetVirtualizationLookupRecord.

use nvgre_dataplane::{LookupRecord, RecordType, Rule};
use nvgre_wire::{CustomerAddress, MacAddress, VirtualSubnetId};

use crate::call::Call;
use crate::cmdlet::{Cmdlet, Parameter};
use crate::estate::RecordEntry;
use crate::kind::{Kind, RECORD_TYPE, RULE};
use crate::machine::{Context, Machine, Outcome};
use crate::source::Place;
use crate::table;

const CUSTOMER_ADDRESS: Parameter = Parameter::new("CustomerAddress", Kind::CustomerAddress);
const VSID: Parameter = Parameter::new("VirtualSubnetID", Kind::Vsid);
const MAC: Parameter = Parameter::new("MACAddress", Kind::Mac);
const PROVIDER_ADDRESS: Parameter = Parameter::new("ProviderAddress", Kind::ProviderAddress);
const RULE_PARAMETER: Parameter = Parameter::new("Rule", RULE);
const CUSTOMER_ID: Parameter = Parameter::new("CustomerID", Kind::Text);
const CONTEXT: Parameter = Parameter::new("Context", Kind::Text);
const VM_NAME: Parameter = Parameter::new("VMName", Kind::Text);
const USE_VM_MAC: Parameter = Parameter::new("UseVmMACAddress", Kind::Bool);
const TYPE: Parameter = Parameter::new("Type", RECORD_TYPE);
pub(crate) const INPUT_OBJECT: Parameter = Parameter::new("InputObject", Kind::Objects).many();

static NEW: &[Parameter] = &[
    CUSTOMER_ADDRESS.required(),
    VSID.required(),
    MAC.required(),
    PROVIDER_ADDRESS.required(),
    RULE_PARAMETER.required(),
    CUSTOMER_ID,
    CONTEXT,
    VM_NAME,
    USE_VM_MAC,
    TYPE,
];

static REMOVE: &[Parameter] = &[
    CUSTOMER_ADDRESS.filter(),
    VSID.filter(),
    MAC.filter(),
    PROVIDER_ADDRESS.filter(),
    RULE_PARAMETER.filter(),
    CUSTOMER_ID.filter(),
    CONTEXT.filter(),
    VM_NAME.filter(),
    USE_VM_MAC.filter(),
    TYPE.filter(),
    Parameter::new("Unusable", Kind::Bool).filter(),
    Parameter::new("Unsynchronized", Kind::Bool).filter(),
    INPUT_OBJECT,
];

static SET: &[Parameter] = &[
    CUSTOMER_ADDRESS.filter(),
    VSID.filter(),
    MAC.filter(),
    PROVIDER_ADDRESS,
    RULE_PARAMETER,
    CUSTOMER_ID,
    CONTEXT,
    VM_NAME,
    USE_VM_MAC,
    INPUT_OBJECT,
];

pub(crate) static CMDLETS: &[Cmdlet] = &[
    Cmdlet {
        name: "New-NetVirtualizationLookupRecord",
        aliases: &[],
        parameters: NEW,
        takes_input: false,
        remote: true,
        run: new,
    },
    Cmdlet {
        name: "Get-NetVirtualizationLookupRecord",
        aliases: &[],
        parameters: Parameter::without_input(REMOVE),
        takes_input: false,
        remote: true,
        run: |machine, _, call| table::get::<RecordEntry>(machine, call),
    },
    Cmdlet {
        name: "Set-NetVirtualizationLookupRecord",
        aliases: &[],
        parameters: SET,
        takes_input: true,
        remote: true,
        run: set,
    },
    Cmdlet {
        name: "Remove-NetVirtualizationLookupRecord",
        aliases: &[],
        parameters: REMOVE,
        takes_input: true,
        remote: true,
        run: |machine, _, call| table::remove::<RecordEntry>(machine, call),
    },
];

fn new<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    let given_type = call.text("Type").map(record_type_named);
    let mut record = LookupRecord {
        id: machine.host_mut(call.host, |_, _| {}).new_record_id(),
        virtual_subnet: vsid_of(call),
        customer_address: call.required("CustomerAddress"),
        mac: call.required("MACAddress"),
        provider_address: call.required("ProviderAddress"),
        rule: call.text("Rule").map_or(Rule::None, rule_named),
        record_type: given_type.unwrap_or(RecordType::Static),
        use_vm_mac: call.is_on("UseVmMACAddress") == Some(true),
    };
    let ca = record.customer_address;
    if given_type.is_none() && ca.is_unspecified() {
        record.record_type = RecordType::GatewayWildcard;
        let text = format!(
            "a record for {ca} without -Type is taken as a GatewayWildcard, as Windows Server 2012 wrote it; write -Type GatewayWildcard"
        );
        machine.warn(&call.place, text);
    }
    if record.record_type.has_customer_address() == ca.is_unspecified() {
        let (name, advice) = if ca.is_unspecified() {
            (
                "a record of this type",
                "write a customer address, or -Type GatewayWildcard or L2Only",
            )
        } else {
            ("this record", "write 0.0.0.0 or ::, or another -Type")
        };
        let text = format!(
            "{name} ({}) cannot have the customer address {ca} (V-07)",
            record.record_type
        );
        return Err(machine.fail_with_help(
            &call.span_of("CustomerAddress"),
            text,
            advice.to_owned(),
        ));
    }
    if let Err(message) = check_use_vm_mac(&record) {
        return Err(machine.fail(&call.span_of("UseVmMACAddress"), message));
    }
    if let Some(first) = existing(machine, call.host, &record) {
        let what = format!(
            "a lookup record for {ca} in virtual subnet {}",
            record.virtual_subnet
        );
        return table::refuse_existing(machine, call, &what, &first);
    }
    let label = |name: &str| call.text(name);
    let entry = RecordEntry {
        record,
        labels: machine
            .labels
            .labels(label("CustomerID"), label("Context"), label("VMName")),
        place: call.place.clone(),
    };
    table::add(machine, call, entry)
}

/// V-01, and V-07 for records without a customer address, which are told apart by MAC and type. What
/// has an address is told by it, also where a dump shows a type that can have none.
#[derive(PartialEq, Eq, Hash)]
pub(crate) struct RecordKey {
    virtual_subnet: VirtualSubnetId,
    customer_address: CustomerAddress,
    without_address: Option<(MacAddress, RecordType)>,
}

impl RecordKey {
    pub(crate) fn of(record: &LookupRecord) -> Self {
        let has_address =
            record.record_type.has_customer_address() || !record.customer_address.is_unspecified();
        Self {
            without_address: (!has_address).then_some((record.mac, record.record_type)),
            ..Self::of_address(record)
        }
    }

    /// That of all records that pass the filters of a call.
    pub(crate) fn of_filters(call: &Call<'_>) -> Option<Self> {
        let customer_address: CustomerAddress = call.filter("CustomerAddress")?;
        let without_address = if customer_address.is_unspecified() {
            let record_type = record_type_named(call.filter_name("Type")?);
            if record_type.has_customer_address() {
                return None;
            }
            Some((call.filter("MACAddress")?, record_type))
        } else {
            None
        };
        Some(Self {
            virtual_subnet: vsid_of_filter(call)?,
            customer_address,
            without_address,
        })
    }

    /// That of a record with this customer address, whatever address it is.
    fn of_address(record: &LookupRecord) -> Self {
        Self {
            virtual_subnet: record.virtual_subnet,
            customer_address: record.customer_address,
            without_address: None,
        }
    }
}

/// Where the record stands that the new one would repeat.
fn existing(machine: &mut Machine<'_>, host: usize, new: &LookupRecord) -> Option<Place> {
    let mut first = table::existing::<RecordEntry>(machine, host, &RecordKey::of_address(new));
    if !new.record_type.has_customer_address() {
        let other = table::existing::<RecordEntry>(machine, host, &RecordKey::of(new));
        first = first.into_iter().chain(other).min();
    }
    Some(machine.host(host).records[first?].place.clone())
}

fn set<'s>(machine: &mut Machine<'s>, _: &mut Context<'s>, call: &Call<'s>) -> Outcome<'s> {
    let mut pool = std::mem::take(&mut machine.labels);
    let done = table::set(machine, call, |entry: &mut RecordEntry| {
        let record = &mut entry.record;
        record.provider_address = call
            .get("ProviderAddress")
            .unwrap_or(record.provider_address);
        record.rule = call.text("Rule").map_or(record.rule, rule_named);
        record.use_vm_mac = call.is_on("UseVmMACAddress").unwrap_or(record.use_vm_mac);
        entry.labels = pool.labels(
            call.text("CustomerID").or(entry.labels.customer_id()),
            call.text("Context").or(entry.labels.context()),
            call.text("VMName").or(entry.labels.vm_name()),
        );
        check_use_vm_mac(&entry.record)
    });
    machine.labels = pool;
    done
}

fn check_use_vm_mac(record: &LookupRecord) -> Result<(), String> {
    if record.use_vm_mac && record.rule != Rule::Nat {
        return Err(format!(
            "-UseVmMACAddress $true goes with {} only, and this record has {} (V-15)",
            Rule::Nat,
            record.rule
        ));
    }
    Ok(())
}

/// A required `-VirtualSubnetID`.
///
/// Panics only where the parameter's kind is not [`Kind::Vsid`]: binding has refused other numbers.
pub(crate) fn vsid_of(call: &Call<'_>) -> VirtualSubnetId {
    VirtualSubnetId::try_new(call.required("VirtualSubnetID"))
        .expect("binding has checked the range")
}

/// The one `-VirtualSubnetID` that a filter asks for.
pub(crate) fn vsid_of_filter(call: &Call<'_>) -> Option<VirtualSubnetId> {
    VirtualSubnetId::try_new(call.filter("VirtualSubnetID")?).ok()
}

/// From a name of [`RULE`].
pub(crate) fn rule_named(name: &str) -> Rule {
    let rules = [Rule::Nat, Rule::Encap, Rule::None];
    rules
        .into_iter()
        .find(|rule| rule.name() == name)
        .unwrap_or(Rule::None)
}

/// From a name of [`RECORD_TYPE`].
pub(crate) fn record_type_named(name: &str) -> RecordType {
    let types = [
        RecordType::Dynamic,
        RecordType::GatewayWildcard,
        RecordType::L2Only,
    ];
    types
        .into_iter()
        .find(|t| t.name() == name)
        .unwrap_or(RecordType::Static)
}
