//! `nvgre schemas`: the JSON Schemas of what `--json` prints, made from the structs that are printed.
//!
//! The committed ones are in `crates/cli/schemas/`. A change that readers of old lines would stumble
//! over (a field gone, renamed or of another type) gets a new number behind the slash; a new field
//! does not.

use std::fs;
use std::path::Path;

use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

use crate::exit::{Exit, Failure};
use crate::whole_file;

/// The lines of one verb.
struct Lines {
    /// The words behind `nvgre`.
    verb: &'static str,
    /// The version of its schema.
    version: u32,
    /// The struct that is printed.
    of: fn(SchemaGenerator) -> Schema,
}

/// Every verb that prints JSON lines. A verb that is not here fails a test.
const ALL: &[Lines] = &[
    lines::<crate::bench::row::Row>("bench"),
    lines::<crate::codes::JsonLine>("codes"),
    lines::<crate::demo::JsonStage<'_>>("demo"),
    lines::<crate::diff::json::JsonDiff<'_>>("diff"),
    lines::<crate::doctor::json::JsonDoctor<'_>>("doctor"),
    lines::<crate::export::JsonLine<'_>>("export"),
    lines::<crate::import::JsonLine<'_>>("import"),
    lines::<crate::init::JsonLine<'_>>("init"),
    lines::<crate::next_hop::JsonNextHop<'_>>("next-hop"),
    lines::<crate::pcap::decap::JsonLine>("pcap decap"),
    lines::<crate::pcap::info::JsonLine<'_>>("pcap info"),
    lines::<crate::ping::json::JsonPing<'_>>("ping"),
    lines::<crate::replay::json::JsonReplay<'_>>("replay"),
    lines::<crate::show::json::JsonHost<'_>>("show"),
    lines::<crate::trace::json::JsonTrace<'_>>("trace"),
    lines::<crate::verify::json::JsonLine>("verify"),
];

const fn lines<T: JsonSchema>(verb: &'static str) -> Lines {
    Lines {
        verb,
        version: 1,
        of: SchemaGenerator::into_root_schema_for::<T>,
    }
}

impl Lines {
    /// What the lines call it: `nvgre.pcap-info/1`.
    fn name(&self) -> String {
        format!("nvgre.{}/{}", self.verb.replace(' ', "-"), self.version)
    }

    fn file_name(&self) -> String {
        format!("{}.json", self.name().replace('/', "."))
    }

    /// The schema, strict: what is not in it is not printed, and what is in it always is.
    fn schema(&self) -> Schema {
        let settings = SchemaSettings::draft2020_12()
            .for_serialize()
            .with(|settings| settings.inline_subschemas = true)
            .with_transform(RecursiveTransform(refuse_others));
        let mut schema = (self.of)(settings.into_generator());
        let name = self.name();
        schema.insert("title".to_owned(), json!(name));
        if let Some(property) = schema.pointer_mut("/properties/schema") {
            *property = json!({"const": name, "description": "This schema."});
        }
        schema
    }

    fn text(&self) -> String {
        format!("{:#}\n", Value::from(self.schema()))
    }
}

/// An object with named properties has no others. Maps have no named ones.
fn refuse_others(schema: &mut Schema) {
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), json!(false));
    }
}

/// Writes every schema into a folder, which is made where it is missing.
pub(crate) fn run(folder: &Path) -> Result<Exit, Failure> {
    let failed = |path: &Path, error| Failure::output(format_args!("{}: {error}", path.display()));
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    for lines in ALL {
        let file = folder.join(lines.file_name());
        whole_file::write(&file, lines.text().as_bytes()).map_err(|error| failed(&file, error))?;
    }
    Ok(Exit::Success)
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};
    use serde_json::Value;

    use super::ALL;
    use crate::args::Args;

    /// They write files for shells and manuals, and no lines.
    const NO_LINES: [&str; 2] = ["completions", "man"];

    /// What a verb is called, and those below it, without those that print no lines.
    fn verbs(command: &Command, above: &str) -> Vec<String> {
        let below = command.get_subcommands();
        below
            .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
            .filter(|verb| !NO_LINES.contains(&verb.get_name()))
            .flat_map(|verb| {
                let name = format!("{above}{}", verb.get_name());
                match verb.has_subcommands() {
                    true => verbs(verb, &format!("{name} ")),
                    false => vec![name],
                }
            })
            .collect()
    }

    #[test]
    fn every_verb_of_the_command_line_has_a_schema() {
        let mut command = Args::command();
        command.build();
        let mut verbs = verbs(&command, "");
        verbs.sort();
        let mut listed: Vec<_> = ALL.iter().map(|lines| lines.verb).collect();
        listed.sort_unstable();
        assert_eq!(listed, verbs, "schemas.rs lists one schema for each verb");
    }

    #[test]
    fn every_property_is_described() {
        for lines in ALL {
            let schema = lines.schema();
            let mut missing = Vec::new();
            undescribed(schema.as_value(), &lines.name(), &mut missing);
            assert!(missing.is_empty(), "no doc comment: {missing:#?}");
        }
    }

    fn undescribed(schema: &Value, path: &str, missing: &mut Vec<String>) {
        let Some(keywords) = schema.as_object() else {
            return;
        };
        for (keyword, value) in keywords {
            match (keyword.as_str(), value) {
                // A property may have the name of a keyword.
                ("properties", Value::Object(properties)) => {
                    for (name, property) in properties {
                        let path = format!("{path} {name}");
                        undescribed(property, &path, missing);
                        if property.get("description").is_none() {
                            missing.push(path);
                        }
                    }
                }
                (_, Value::Array(schemas)) => {
                    for schema in schemas {
                        undescribed(schema, path, missing);
                    }
                }
                (_, value) => undescribed(value, path, missing),
            }
        }
    }
}
