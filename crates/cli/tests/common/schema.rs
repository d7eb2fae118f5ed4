//! The committed schemas, and a second opinion on what is printed.

use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::Value;

/// The folder of committed schemas.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas")
}

/// A committed schema, compiled.
pub(crate) struct Schema {
    name: String,
    schemas: Schemas,
    index: SchemaIndex,
}

impl Schema {
    /// The schema that lines name so: `nvgre.replay/1`.
    pub(crate) fn named(name: &str) -> Self {
        let file = folder().join(file_name(name));
        let (mut schemas, mut compiler) = (Schemas::new(), Compiler::new());
        let index = compiler
            .compile(&file.to_string_lossy(), &mut schemas)
            .unwrap_or_else(|error| panic!("{name}: {error:#}"));
        Self {
            name: name.to_owned(),
            schemas,
            index,
        }
    }

    pub(crate) fn file_name(&self) -> String {
        file_name(&self.name)
    }

    #[track_caller]
    pub(crate) fn accepts(&self, line: &Value) {
        if let Err(error) = self.schemas.validate(line, self.index) {
            panic!("{} does not allow {line}: {error:#}", self.name);
        }
    }

    pub(crate) fn refuses(&self, line: &Value) -> bool {
        self.schemas.validate(line, self.index).is_err()
    }
}

fn file_name(schema: &str) -> String {
    format!("{}.json", schema.replace('/', "."))
}
