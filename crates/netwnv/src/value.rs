//! What expressions evaluate to.

use std::borrow::Cow;
use std::ops::Deref;
use std::rc::Rc;

use crate::ast::Block;
use crate::object::Object;

#[derive(Clone, Debug)]
pub(crate) enum Value<'s> {
    Null,
    Bool(bool),
    /// A whole number, and how it was written if it was.
    Number(i64, Option<Text<'s>>),
    Text(Text<'s>),
    Array(Rc<[Value<'s>]>),
    /// A hashtable, or the copy of an object that a remote block hands back.
    Table(Rc<[(Text<'s>, Value<'s>)]>),
    Block(Rc<Block<'s>>),
    Object(Object),
}

/// A text of a value: the script's own where it stands there as it is, so that a literal costs no
/// memory.
#[derive(Clone, Debug)]
pub(crate) enum Text<'s> {
    Borrowed(&'s str),
    Made(Rc<str>),
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl<'s> From<&Cow<'s, str>> for Text<'s> {
    fn from(text: &Cow<'s, str>) -> Self {
        match text {
            Cow::Borrowed(text) => Self::Borrowed(text),
            Cow::Owned(text) => Self::Made(text.as_str().into()),
        }
    }
}

impl<'s> Value<'s> {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Text::Made(text.as_ref().into()))
    }

    /// What it is shown as.
    pub(crate) fn text_of(value: &impl ToString) -> Self {
        Self::text(value.to_string())
    }

    pub(crate) fn number(value: impl Into<i64>) -> Self {
        Self::Number(value.into(), None)
    }

    /// What a pipeline's output is as one value: nothing, itself, or an array.
    pub(crate) fn from_output(mut output: Vec<Self>) -> Self {
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
    pub(crate) fn items(&self) -> &[Self] {
        match self {
            Self::Null => &[],
            Self::Array(items) => items,
            other => std::slice::from_ref(other),
        }
    }

    /// As a text, where PowerShell's conversion says something: not for tables, blocks and objects.
    pub(crate) fn to_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Null => "".into(),
            Self::Bool(true) => "True".into(),
            Self::Bool(false) => "False".into(),
            Self::Number(value, None) => value.to_string().into(),
            Self::Number(_, Some(text)) | Self::Text(text) => Cow::Borrowed(text),
            Self::Array(_) | Self::Table(_) | Self::Block(_) | Self::Object(_) => return None,
        })
    }

    /// [`Value::to_text`], to keep.
    pub(crate) fn as_text(&self) -> Option<Text<'s>> {
        match self {
            Self::Number(_, Some(text)) | Self::Text(text) => Some(text.clone()),
            other => Some(Text::Made(other.to_text()?.into())),
        }
    }

    /// What messages call it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Null => "$null".to_owned(),
            Self::Bool(value) => format!("${value}"),
            Self::Number(..) => self.to_text().unwrap_or_default().into_owned(),
            Self::Text(text) => format!("\"{}\"", &**text),
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
