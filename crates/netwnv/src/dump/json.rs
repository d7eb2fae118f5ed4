//! Dumps as ConvertTo-Json writes them: one object, an array, or several of those in a row, as `>>`
//! leaves them.

use std::ops::Range;

use jsonc_parser::ast::{Object, Value};
use jsonc_parser::common::Ranged;
use jsonc_parser::errors::{ParseError, ParseErrorKind};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::dump::format::Malformed;
use crate::dump::object::{DumpObject, DumpProperty, DumpValue};

/// JSON and nothing besides: dumps are written by a machine.
const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The values of a text, each with its bytes.
pub(crate) fn values(text: &str) -> Result<Vec<(DumpValue<'_>, Range<usize>)>, Malformed> {
    let mut values = Vec::new();
    let mut from = 0;
    loop {
        let rest = &text[from..];
        let (parsed, length) = match parse(rest) {
            Err(error) if matches!(error.kind(), ParseErrorKind::MultipleRootJsonValues) => {
                let end = error.range().start;
                (parse(&rest[..end]), end)
            }
            parsed => (parsed, rest.len()),
        };
        let parsed = parsed.map_err(|error| malformed(&error, from))?;
        if let Some(value) = parsed {
            let span = span(&value, from);
            values.push((of_value(value, from), span));
        }
        from += length;
        if from == text.len() || length == 0 {
            return Ok(values);
        }
    }
}

fn parse(text: &str) -> Result<Option<Value<'_>>, ParseError> {
    parse_to_ast(text, &CollectOptions::default(), &STRICT).map(|parsed| parsed.value)
}

fn malformed(error: &ParseError, from: usize) -> Malformed {
    let range = error.range();
    let said = error.kind().to_string();
    Malformed {
        span: from + range.start..from + range.end,
        message: format!("this is no JSON: {}", said.trim_end_matches('.')),
        help: Some("write it with ConvertTo-Json, and all of it".to_owned()),
    }
}

fn span(value: &impl Ranged, from: usize) -> Range<usize> {
    from + value.start()..from + value.end()
}

fn of_value(value: Value<'_>, from: usize) -> DumpValue<'_> {
    match value {
        Value::StringLit(text) => DumpValue::Text(text.value),
        Value::NumberLit(number) => DumpValue::Number(number.value),
        Value::BooleanLit(boolean) => DumpValue::Bool(boolean.value),
        Value::NullKeyword(_) => DumpValue::Null,
        Value::Array(array) => {
            let elements = array.elements.into_iter();
            DumpValue::List(elements.map(|value| of_value(value, from)).collect())
        }
        Value::Object(object) => DumpValue::Object(of_object(object, from)),
    }
}

fn of_object(object: Object<'_>, from: usize) -> DumpObject<'_> {
    let span = span(&object, from);
    let properties = object.properties.into_iter().map(|property| DumpProperty {
        span: self::span(&property.value, from),
        name: property.name.into_string().into(),
        value: of_value(property.value, from),
    });
    DumpObject {
        span,
        properties: properties.collect(),
    }
}
