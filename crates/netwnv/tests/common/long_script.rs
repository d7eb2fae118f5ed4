//! Scripts of many records, and what they make.

use std::fmt::Write;

use nvgre_dataplane::{LookupRecord, RecordId, RecordType, Rule};
use nvgre_netwnv::{Labels, Place, RecordEntry};
use nvgre_wire::{CustomerAddress, MacAddress, ProviderAddress, VirtualSubnetId};

/// How one command is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// On one line.
    Line,
    /// A parameter a line.
    Continued,
    /// With what it shares with others in variables.
    Variables,
    /// From a hashtable.
    Splatted,
    /// Behind others on their line.
    Joined,
}

pub(crate) const SHAPES: [Shape; 5] = [
    Shape::Line,
    Shape::Continued,
    Shape::Variables,
    Shape::Splatted,
    Shape::Joined,
];

/// A script and the records it makes on a host without any.
pub(crate) struct LongScript {
    pub(crate) text: String,
    pub(crate) records: Vec<RecordEntry>,
    line: u32,
    column: u32,
}

impl LongScript {
    pub(crate) fn new(line_end: &str) -> Self {
        let mut script = Self {
            text: String::new(),
            records: Vec::new(),
            line: 1,
            column: 1,
        };
        script.write(&format!(
            "# Grüße{line_end}$rule = \"TranslationMethodEncap\"{line_end}$Tenant = 'Blå ''Corp'''{line_end}"
        ));
        script
    }

    /// As many records of one shape, with `labels` or without.
    pub(crate) fn of(count: u32, shape: Shape, labels: bool) -> Self {
        let mut script = Self::new("\n");
        for _ in 0..count {
            script.push(shape, labels, "\n");
        }
        script
    }

    /// The next record.
    pub(crate) fn push(&mut self, shape: Shape, labels: bool, line_end: &str) {
        let number = self.records.len() as u32;
        let [_, a, b, c] = number.to_be_bytes();
        let (vsid, pa) = (5_001 + number % 61, [192, 168, 4, (number % 250) as u8 + 1]);
        let (vm, tenant) = (format!("VM `\"{number:06}`\""), "Blå 'Corp'");
        let rule = match shape {
            Shape::Variables => "$Rule".to_owned(),
            _ => "TranslationMethodEncap".to_owned(),
        };
        let mut parameters = vec![
            ("VirtualSubnetID", vsid.to_string()),
            ("CustomerAddress", format!("10.{a}.{b}.{c}")),
            ("MACAddress", format!("'02-15-5d-{a:02x}-{b:02X}-{c:02X}'")),
            (
                "ProviderAddress",
                format!("\"{}\"", ProviderAddress::v4(pa)),
            ),
            ("Rule", rule),
        ];
        if labels {
            parameters.push(("VMName", format!("\"{vm}\"")));
            parameters.push(("Context", "\"$tenant\"".to_owned()));
        }
        let command = "New-NetVirtualizationLookupRecord";
        let place = |script: &Self| (script.line, script.column);
        let (line, column) = match shape {
            Shape::Line | Shape::Variables | Shape::Joined => {
                if let Shape::Joined = shape {
                    self.write("Write-Host 'Ü' ; <# … #> ");
                }
                let here = place(self);
                self.write(command);
                for (name, value) in &parameters {
                    self.write(&format!(" -{name} {value}"));
                }
                here
            }
            Shape::Continued => {
                let here = place(self);
                self.write(command);
                for (name, value) in &parameters {
                    self.write(&format!(" `{line_end}\t-{name}:{value}"));
                }
                here
            }
            Shape::Splatted => {
                self.write("$all = @{");
                for (name, value) in &parameters {
                    let quoted = value.starts_with(['"', '\'', '$']) || *name == "VirtualSubnetID";
                    let quote = if quoted { "" } else { "'" };
                    self.write(&format!(" {name} = {quote}{value}{quote};"));
                }
                self.write(&format!(" }}{line_end}"));
                let here = place(self);
                self.write(&format!("{command} @all"));
                here
            }
        };
        self.write(&format!(" # {number}{line_end}"));
        let vm_name = format!("VM \"{number:06}\"");
        self.records.push(RecordEntry {
            record: LookupRecord {
                id: RecordId(number),
                virtual_subnet: VirtualSubnetId::try_new(vsid).unwrap(),
                customer_address: CustomerAddress::v4([10, a, b, c]),
                mac: MacAddress::new([0x02, 0x15, 0x5d, a, b, c]),
                provider_address: ProviderAddress::v4(pa),
                rule: Rule::Encap,
                record_type: RecordType::Static,
                use_vm_mac: false,
            },
            labels: Labels::new(
                None,
                labels.then_some(tenant),
                labels.then_some(vm_name.as_str()),
            ),
            place: Place {
                file: "policy.ps1".into(),
                line,
                column,
            },
        });
    }

    fn write(&mut self, text: &str) {
        let _ = self.text.write_str(text);
        for c in text.chars() {
            if c == '\n' {
                (self.line, self.column) = (self.line + 1, 1);
            } else {
                self.column += 1;
            }
        }
    }
}
