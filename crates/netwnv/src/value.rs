//! What expressions evaluate to.

use std::rc::Rc;

use crate::ast::Block;
use crate::object::Object;

#[derive(Clone, Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// A whole number, and how it was written if it was.
    Number(i64, Option<Rc<str>>),
    Text(Rc<str>),
    Array(Rc<[Value]>),
    /// A hashtable, or the copy of an object that a remote block hands back.
    Table(Rc<[(String, Value)]>),
    Block(Rc<Block>),
    Object(Object),
}

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(text.as_ref().into())
    }

    pub(crate) fn number(value: impl Into<i64>) -> Self {
        Self::Number(value.into(), None)
    }

    /// What a pipeline's output is as one value: nothing, itself, or an array.
    pub(crate) fn from_output(mut output: Vec<Value>) -> Self {
        match output.pop() {
            None => Self::Null,
            Some(only) if output.is_empty() => only,
            Some(last) => {
                output.push(last);
                Self::Array(output.into())
            }
        }
    }

    /// The items of an array, or the value itself; nothing for `$null`.
    pub(crate) fn items(&self) -> Vec<Value> {
        match self {
            Self::Null => Vec::new(),
            Self::Array(items) => items.to_vec(),
            other => vec![other.clone()],
        }
    }

    /// As a text, where PowerShell's conversion says something: not for tables, blocks and objects.
    pub(crate) fn to_text(&self) -> Option<String> {
        Some(match self {
            Self::Null => String::new(),
            Self::Bool(true) => "True".to_owned(),
            Self::Bool(false) => "False".to_owned(),
            Self::Number(value, None) => value.to_string(),
            Self::Number(_, Some(text)) => text.to_string(),
            Self::Text(text) => text.to_string(),
            Self::Array(_) | Self::Table(_) | Self::Block(_) | Self::Object(_) => return None,
        })
    }

    /// What messages call it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "$null".to_owned(),
            Self::Bool(value) => format!("${value}"),
            Self::Number(..) => self.to_text().unwrap_or_default(),
            Self::Text(text) => format!("\"{text}\""),
            Self::Array(_) => "an array".to_owned(),
            Self::Table(_) => "a hashtable or copied object".to_owned(),
            Self::Block(_) => "a script block".to_owned(),
            Self::Object(object) => object.describe().to_owned(),
        }
    }

    /// How many simple values it holds. Scripts cannot make this grow without bound.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Array(items) => 1 + items.iter().map(Self::size).sum::<usize>(),
            Self::Table(entries) => 1 + entries.iter().map(|(_, v)| v.size()).sum::<usize>(),
            _ => 1,
        }
    }
}
